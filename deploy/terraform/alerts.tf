# Alerts: a launch was refused, a job has failed, a job runs for too long, no run was published in time.
#
# The last goes by the line that every run logs when it is published. No metric of Dataflow tells as much: a
# counter of a job's last second may never be sampled, and a job that was not launched has none.

locals {
  # How the line of a published run begins: RUN_LINE in transforms/writing/stage.py.
  run_line = "moodscribe run published"
}

resource "google_logging_metric" "published" {
  project     = var.project
  name        = "${var.name}/runs_published"
  description = "Runs that were published: lines of workers that begin with '${local.run_line}'."

  filter = join(" AND ", [
    "resource.type=\"dataflow_step\"",
    "resource.labels.job_name=~\"^${local.job_prefix}\"",
    "log_id(\"dataflow.googleapis.com/worker\")",
    "jsonPayload.message:\"${local.run_line}\"",
  ])

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }

  depends_on = [google_project_service.needed]
}

resource "google_monitoring_alert_policy" "launch_refused" {
  project               = var.project
  display_name          = "${var.name}: the launch of a run was refused"
  combiner              = "OR"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = "Cloud Scheduler's request has failed"

    condition_matched_log {
      filter = join(" AND ", [
        "resource.type=\"cloud_scheduler_job\"",
        "resource.labels.job_id=\"${google_cloud_scheduler_job.nightly.name}\"",
        "severity>=ERROR",
      ])
    }
  }

  alert_strategy {
    auto_close = "86400s"

    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = <<-END
      Dataflow did not take the launch of `${local.job_name}`. Status 409: the job of the night before is still
      active. 403: a right is missing. 400: the template or its parameters; the answer is in the log entry.
    END
  }
}

resource "google_monitoring_alert_policy" "failed" {
  project               = var.project
  display_name          = "${var.name}: a job has failed"
  combiner              = "OR"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = "dataflow.googleapis.com/job/is_failed"

    condition_threshold {
      filter = join(" AND ", [
        "resource.type = \"dataflow_job\"",
        "metric.type = \"dataflow.googleapis.com/job/is_failed\"",
        "resource.labels.job_name = starts_with(\"${local.job_prefix}\")",
      ])
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_MAX"
        cross_series_reducer = "REDUCE_MAX"
        group_by_fields      = ["resource.label.job_name"]
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = <<-END
      Nothing of its run was published, readers see the tables as they were. The job's page says why: a run whose
      account does not add up fails its job, too. The next run takes up what this one has not done.
    END
  }
}

resource "google_monitoring_alert_policy" "late" {
  project               = var.project
  display_name          = "${var.name}: a run is late"
  combiner              = "OR"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = "No run was published for ${var.late_after_hours} hours"

    condition_threshold {
      filter = join(" AND ", [
        "resource.type = \"dataflow_step\"",
        "metric.type = \"logging.googleapis.com/user/${google_logging_metric.published.name}\"",
      ])
      comparison              = "COMPARISON_LT"
      threshold_value         = 1
      duration                = "60s"
      evaluation_missing_data = "EVALUATION_MISSING_DATA_ACTIVE"

      # Every job has a series of its own: together they are those of the schedule.
      aggregations {
        alignment_period     = "${var.late_after_hours * 3600}s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  conditions {
    display_name = "A job runs for more than ${var.max_run_hours} hours"

    condition_threshold {
      filter = join(" AND ", [
        "resource.type = \"dataflow_job\"",
        "metric.type = \"dataflow.googleapis.com/job/elapsed_time\"",
        "resource.labels.job_name = starts_with(\"${local.job_prefix}\")",
      ])
      comparison      = "COMPARISON_GT"
      threshold_value = var.max_run_hours * 3600
      duration        = "0s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_MAX"
        cross_series_reducer = "REDUCE_MAX"
        group_by_fields      = ["resource.label.job_name"]
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = <<-END
      Either no run of `${local.job_prefix}*` was published for ${var.late_after_hours} hours, or one has been
      running for more than ${var.max_run_hours}. See whether the schedule is paused, whether its last launch was
      refused, and what the job's page says. The first of the two begins to watch with the first published run.
    END
  }
}
