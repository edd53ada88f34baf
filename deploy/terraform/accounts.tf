# Two accounts with the least rights: one for workers, one that launches jobs and can do nothing else.

resource "google_service_account" "worker" {
  project      = var.project
  account_id   = "${var.name}-worker"
  display_name = "Moodscribe: workers of Dataflow"
}

resource "google_service_account" "scheduler" {
  project      = var.project
  account_id   = "${var.name}-scheduler"
  display_name = "Moodscribe: launches the Flex Template"
}

# What every worker of Dataflow needs. There is no narrower place for it than the project.
resource "google_project_iam_member" "worker" {
  project = var.project
  role    = "roles/dataflow.worker"
  member  = google_service_account.worker.member
}

resource "google_storage_bucket_iam_member" "worker_writes" {
  bucket = google_storage_bucket.moods.name
  role   = "roles/storage.objectAdmin"
  member = google_service_account.worker.member
}

resource "google_storage_bucket_iam_member" "worker_reads" {
  bucket = var.audio_bucket
  role   = "roles/storage.objectViewer"
  member = google_service_account.worker.member
}

# To pull its image.
resource "google_artifact_registry_repository_iam_member" "worker_pulls" {
  project    = var.project
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.worker.member
}

resource "google_project_iam_member" "scheduler" {
  project = var.project
  role    = "roles/dataflow.developer"
  member  = google_service_account.scheduler.member
}

# A job may run as the worker account and as no other.
resource "google_service_account_iam_member" "scheduler_uses_worker" {
  service_account_id = google_service_account.worker.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.scheduler.member
}
