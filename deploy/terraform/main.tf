# What the rest of the module shares: names, and the services that have to be on.

locals {
  job_name    = "${var.name}-nightly"
  job_prefix  = "${var.name}-"
  bucket_uri  = "gs://${google_storage_bucket.moods.name}"
  output_uri  = "${local.bucket_uri}/${var.output_folder}"
  temp_uri    = "${local.bucket_uri}/temp"
  staging_uri = "${local.bucket_uri}/staging"
  labels      = merge(var.labels, { app = "moodscribe" })

  services = toset([
    "artifactregistry.googleapis.com",
    "cloudscheduler.googleapis.com",
    "compute.googleapis.com",
    "dataflow.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "storage.googleapis.com",
  ])
}

resource "google_project_service" "needed" {
  for_each = local.services

  project            = var.project
  service            = each.value
  disable_on_destroy = false
}
