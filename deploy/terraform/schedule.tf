# The nightly launch: Cloud Scheduler asks Dataflow's API for a job of the Flex Template.
#
# The name of the job is always the same: Dataflow refuses a second one while the first is active.

locals {
  launch = {
    launchParameter = {
      jobName              = local.job_name
      containerSpecGcsPath = var.template_spec
      parameters = merge(
        var.template_parameters,
        {
          input               = var.input
          output              = local.output_uri
          sdk_container_image = var.worker_image
          max_num_workers     = tostring(var.max_workers)
        },
        var.machine_type == null ? {} : { machine_type = var.machine_type },
      )
      environment = merge(
        {
          serviceAccountEmail  = google_service_account.worker.email
          tempLocation         = local.temp_uri
          stagingLocation      = local.staging_uri
          ipConfiguration      = var.public_ips ? "WORKER_IP_PUBLIC" : "WORKER_IP_PRIVATE"
          additionalUserLabels = local.labels
        },
        var.subnetwork == null ? {} : { subnetwork = var.subnetwork },
      )
    }
  }
}

resource "google_cloud_scheduler_job" "nightly" {
  project          = var.project
  region           = coalesce(var.scheduler_region, var.region)
  name             = local.job_name
  description      = "Tags what is new or changed in ${var.input}."
  schedule         = var.schedule
  time_zone        = var.time_zone
  paused           = var.paused
  attempt_deadline = "180s"

  retry_config {
    retry_count          = 3
    min_backoff_duration = "60s"
    max_backoff_duration = "600s"
  }

  http_target {
    http_method = "POST"
    uri         = "https://dataflow.googleapis.com/v1b3/projects/${var.project}/locations/${var.region}/flexTemplates:launch"
    headers     = { "Content-Type" = "application/json" }
    body        = base64encode(jsonencode(local.launch))

    oauth_token {
      service_account_email = google_service_account.scheduler.email
      scope                 = "https://www.googleapis.com/auth/cloud-platform"
    }
  }

  lifecycle {
    precondition {
      condition     = contains([var.audio_bucket, var.bucket], split("/", var.input)[2])
      error_message = "input ${var.input} is in neither audio_bucket nor bucket: workers could not read it."
    }
  }

  depends_on = [
    google_project_service.needed,
    google_project_iam_member.scheduler,
    google_service_account_iam_member.scheduler_uses_worker,
  ]
}
