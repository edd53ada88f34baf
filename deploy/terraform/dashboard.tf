# A dashboard of Cloud Monitoring: what a job has read and settled, what became of tracks, what it takes.

locals {
  # Beam's counters of the namespace moodscribe, and means of its distributions, by chart: see ../METRICS.md.
  counters = {
    "Progress: inputs read, tracks settled"  = ["read", "settled"]
    "What became of tracks"                  = ["tagged", "extracted", "duplicate", "skipped", "failed", "gone"]
    "Tracks that were not taken up"          = ["unchanged", "left"]
    "Tracks that failed, by kind"            = ["failed_.+"]
    "Mean milliseconds of a track, by stage" = ["read_ms_MEAN", "decode_ms_MEAN", "features_ms_MEAN", "models_ms_MEAN", "rows_ms_MEAN"]
    "Longest of them, in milliseconds"       = ["read_ms_MAX", "decode_ms_MAX", "features_ms_MAX", "models_ms_MAX"]
    "Windows in a batch, on average"         = ["batch_windows_MEAN"]
  }

  of_our_jobs = "resource.type=\"dataflow_job\" resource.labels.job_name=starts_with(\"${local.job_prefix}\")"

  counter_charts = [
    for title, names in local.counters : {
      title = title
      xyChart = {
        dataSets = [
          for name in names : {
            legendTemplate = "$${metric.labels.metric_name} $${resource.labels.job_name}"
            plotType       = "LINE"
            timeSeriesQuery = {
              timeSeriesFilter = {
                # Counters go by their name, in other versions of the service with the namespace before it.
                filter = "metric.type=\"dataflow.googleapis.com/job/user_counter\" metric.labels.metric_name=monitoring.regex.full_match(\"(moodscribe/)?${name}\") ${local.of_our_jobs}"
                aggregation = {
                  alignmentPeriod    = "60s"
                  perSeriesAligner   = "ALIGN_MAX"
                  crossSeriesReducer = endswith(name, "_MEAN") ? "REDUCE_MEAN" : endswith(name, "_MAX") ? "REDUCE_MAX" : "REDUCE_SUM"
                  groupByFields      = ["resource.label.job_name", "metric.label.metric_name"]
                }
              }
            }
          }
        ]
        yAxis = { scale = "LINEAR" }
      }
    }
  ]

  job_charts = [
    for title, metric in {
      "Seconds since a job began" = "elapsed_time"
      "vCPUs in use"              = "current_num_vcpus"
      "1 where a job has failed"  = "is_failed"
      } : {
      title = title
      xyChart = {
        dataSets = [{
          plotType = "LINE"
          timeSeriesQuery = {
            timeSeriesFilter = {
              filter = "metric.type=\"dataflow.googleapis.com/job/${metric}\" ${local.of_our_jobs}"
              aggregation = {
                alignmentPeriod    = "60s"
                perSeriesAligner   = "ALIGN_MAX"
                crossSeriesReducer = "REDUCE_MAX"
                groupByFields      = ["resource.label.job_name"]
              }
            }
          }
        }]
        yAxis = { scale = "LINEAR" }
      }
    }
  ]

  published_chart = {
    title = "Runs published a day"
    xyChart = {
      dataSets = [{
        plotType = "STACKED_BAR"
        timeSeriesQuery = {
          timeSeriesFilter = {
            filter = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.published.name}\" resource.type=\"dataflow_step\""
            aggregation = {
              alignmentPeriod    = "86400s"
              perSeriesAligner   = "ALIGN_SUM"
              crossSeriesReducer = "REDUCE_SUM"
            }
          }
        }
      }]
      yAxis = { scale = "LINEAR" }
    }
  }

  charts = concat(local.counter_charts, [local.published_chart], local.job_charts)
}

resource "google_monitoring_dashboard" "moods" {
  project = var.project

  dashboard_json = jsonencode({
    displayName = "${var.name}: runs"
    mosaicLayout = {
      columns = 12
      tiles = [
        for place, chart in local.charts : {
          xPos   = place % 2 * 6
          yPos   = floor(place / 2) * 4
          width  = 6
          height = 4
          widget = chart
        }
      ]
    }
  })

  depends_on = [google_project_service.needed]
}
