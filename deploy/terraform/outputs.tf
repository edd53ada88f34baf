# What others need to know of a deployment.

output "output_uri" {
  description = "OUT: the --output of `moodscribe tag`, `diff`, `compact` and `export`."
  value       = local.output_uri
}

output "bucket" {
  description = "The bucket of tables, templates and temporary files."
  value       = google_storage_bucket.moods.name
}

output "temp_uri" {
  description = "Dataflow's --temp_location."
  value       = local.temp_uri
}

output "image_repository" {
  description = "Where images are pushed: HOST/PROJECT/REPOSITORY."
  value       = "${google_artifact_registry_repository.images.location}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
}

output "worker_account" {
  description = "The account that workers run as: Dataflow's --service_account_email."
  value       = google_service_account.worker.email
}

output "scheduler_account" {
  description = "The account that launches jobs."
  value       = google_service_account.scheduler.email
}

output "launch_request" {
  description = "What the schedule sends to Dataflow, as JSON; it holds no secret."
  value       = jsonencode(local.launch)
}

output "dashboard" {
  description = "Id of the dashboard."
  value       = google_monitoring_dashboard.moods.id
}
