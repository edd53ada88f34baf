# The bucket of tables, templates and temporary files, and the repository of images.

resource "google_storage_bucket" "moods" {
  project                     = var.project
  name                        = var.bucket
  location                    = coalesce(var.bucket_location, var.region)
  labels                      = local.labels
  force_destroy               = false
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  # What Dataflow writes for the time of a job.
  lifecycle_rule {
    condition {
      age            = var.temporary_days
      matches_prefix = ["temp/", "staging/"]
      with_state     = "ANY"
    }
    action {
      type = "Delete"
    }
  }

  # Tables that `compact` has removed, parts of runs: they can be brought back for a while.
  lifecycle_rule {
    condition {
      days_since_noncurrent_time = var.noncurrent_days
      with_state                 = "ARCHIVED"
    }
    action {
      type = "Delete"
    }
  }

  lifecycle_rule {
    condition {
      age = 7
    }
    action {
      type = "AbortIncompleteMultipartUpload"
    }
  }

  lifecycle {
    prevent_destroy = true
  }

  depends_on = [google_project_service.needed]
}

resource "google_artifact_registry_repository" "images" {
  project       = var.project
  location      = var.region
  repository_id = var.name
  description   = "Images of Moodscribe: workers and the Flex Template's launcher."
  format        = "DOCKER"
  labels        = local.labels

  docker_config {
    immutable_tags = true
  }

  depends_on = [google_project_service.needed]
}
