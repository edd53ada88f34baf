# What a deployment is told; terraform.tfvars.example has one as a whole.

variable "project" {
  description = "Google Cloud project that everything is made in."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project: 6 to 30 lower case letters, digits and hyphens, such as our-project; no number."
  }
}

variable "region" {
  description = "Region of the Dataflow jobs and of the image repository, near the audio."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region: such as europe-west1."
  }
}

variable "scheduler_region" {
  description = "Region of the Cloud Scheduler job, where that service is not in `region`; null for `region`."
  type        = string
  default     = null

  validation {
    condition     = var.scheduler_region == null || can(regex("^[a-z]+-[a-z]+[0-9]+$", var.scheduler_region))
    error_message = "scheduler_region: such as europe-west1, or null."
  }
}

variable "name" {
  description = "Beginning of the names of accounts, jobs, policies and the repository: one deployment, one name."
  type        = string
  default     = "moodscribe"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,18}[a-z0-9]$", var.name))
    error_message = "name: 4 to 20 lower case letters, digits and hyphens, a letter first."
  }
}

variable "labels" {
  description = "Labels of the bucket, the repository and the jobs."
  type        = map(string)
  default     = {}

  validation {
    condition = alltrue([
      for key, value in var.labels :
      can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))
    ])
    error_message = "labels: lower case letters, digits, - and _, at most 63 of them, keys with a letter first."
  }
}

variable "bucket" {
  description = "Name of the bucket to make, for tables, templates and temporary files."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "bucket: a name without gs://, 3 to 63 lower case letters, digits, - and _."
  }
}

variable "bucket_location" {
  description = "Location of the bucket: the region of the jobs, or a multi-region such as EU; null for `region`."
  type        = string
  default     = null

  validation {
    condition     = var.bucket_location == null || can(regex("^[A-Za-z]+(-[A-Za-z]+[0-9]+)?[0-9]?$", var.bucket_location))
    error_message = "bucket_location: such as europe-west1, EUR4 or EU, or null."
  }
}

variable "audio_bucket" {
  description = "Name of the bucket with the audio, which is there already; workers may read it and no more."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9_.-]{1,61}[a-z0-9]$", var.audio_bucket))
    error_message = "audio_bucket: a name without gs://."
  }
}

variable "input" {
  description = "INPUT of `moodscribe tag`: a folder, a glob or a manifest in one of the two buckets."
  type        = string

  validation {
    condition     = can(regex("^gs://[a-z0-9][a-z0-9_.-]{1,61}[a-z0-9](/[^\\s]*)?$", var.input))
    error_message = "input: a URI on gs:// without white space, such as gs://our-audio/flac or gs://our-audio/catalogue.parquet."
  }
}

variable "output_folder" {
  description = "Folder of the bucket that gets the tables: OUT of `moodscribe tag`."
  type        = string
  default     = "moods"

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9_/-]*[A-Za-z0-9]$", var.output_folder)) && !contains(["temp", "staging", "templates"], split("/", var.output_folder)[0])
    error_message = "output_folder: letters, digits, -, _ and / between them; not under temp, staging or templates."
  }
}

variable "template_spec" {
  description = "The Flex Template's file, which building it has written, such as gs://our-moods/templates/moodscribe.json."
  type        = string

  validation {
    condition     = can(regex("^gs://[a-z0-9][a-z0-9_.-]{1,61}[a-z0-9]/[^\\s]+\\.json$", var.template_spec))
    error_message = "template_spec: a .json file on gs://."
  }
}

variable "worker_image" {
  description = "Image of the workers, built from deploy/Dockerfile, by tag or, better, by digest."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}|@sha256:[0-9a-f]{64})$", var.worker_image))
    error_message = "worker_image: HOST/PATH:TAG or HOST/PATH@sha256:DIGEST; a tag or digest has to be there."
  }
}

variable "template_parameters" {
  description = "Further parameters of the template, as its metadata.json names them, such as bundle or max_gone_rate."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name, _ in var.template_parameters : can(regex("^[a-z][a-z0-9_]*$", name))])
    error_message = "template_parameters: names of lower case letters, digits and _, as in metadata.json."
  }
  validation {
    condition     = !anytrue([for name in ["input", "output", "sdk_container_image", "max_num_workers", "machine_type"] : contains(keys(var.template_parameters), name)])
    error_message = "template_parameters: input, output, image, workers and machine type have variables of their own."
  }
}

variable "machine_type" {
  description = "Machine type of the workers; null for the one that moodscribe chooses."
  type        = string
  default     = null

  validation {
    condition     = var.machine_type == null || can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)+$", var.machine_type))
    error_message = "machine_type: such as n2-standard-4, or null."
  }
}

variable "max_workers" {
  description = "Most worker machines of a job: what bounds its cost."
  type        = number
  default     = 10

  validation {
    condition     = var.max_workers >= 1 && var.max_workers <= 1000 && floor(var.max_workers) == var.max_workers
    error_message = "max_workers: a whole number from 1 to 1000."
  }
}

variable "subnetwork" {
  description = "Subnetwork of the workers, regions/REGION/subnetworks/NAME or its full URL; null for the default network's."
  type        = string
  default     = null

  validation {
    condition     = var.subnetwork == null || can(regex("^(https://www\\.googleapis\\.com/compute/v1/projects/[a-z0-9:.-]+/)?regions/[a-z0-9-]+/subnetworks/[a-z0-9-]+$", var.subnetwork))
    error_message = "subnetwork: regions/REGION/subnetworks/NAME, its full URL, or null."
  }
}

variable "public_ips" {
  description = "Whether workers get public addresses; without them the subnetwork needs Private Google Access."
  type        = bool
  default     = false
}

variable "schedule" {
  description = "When a run is launched, as cron says it: minute, hour, day of month, month, day of week."
  type        = string
  default     = "0 1 * * *"

  validation {
    condition     = can(regex("^[0-9*,/-]+ [0-9*,/-]+ [0-9*,/-]+ [0-9A-Za-z*,/-]+ [0-9A-Za-z*,/-]+$", var.schedule))
    error_message = "schedule: five fields of cron, such as 0 1 * * *."
  }
}

variable "time_zone" {
  description = "Time zone of the schedule, by its name in the tz database."
  type        = string
  default     = "Etc/UTC"

  validation {
    condition     = can(regex("^[A-Za-z]+(/[A-Za-z0-9_+-]+)+$", var.time_zone))
    error_message = "time_zone: such as Europe/Berlin or Etc/UTC."
  }
}

variable "paused" {
  description = "Whether the schedule waits: so it begins, that nothing is launched before somebody has looked."
  type        = bool
  default     = true
}

variable "late_after_hours" {
  description = "Alert when no run has been published for so many hours; Cloud Monitoring looks back 25 at most."
  type        = number
  default     = 25

  validation {
    condition     = var.late_after_hours >= 1 && var.late_after_hours <= 25 && floor(var.late_after_hours) == var.late_after_hours
    error_message = "late_after_hours: a whole number from 1 to 25; a rarer schedule has to be watched otherwise."
  }
}

variable "max_run_hours" {
  description = "Alert when a job has been running for so many hours."
  type        = number
  default     = 12

  validation {
    condition     = var.max_run_hours >= 1 && var.max_run_hours <= 336
    error_message = "max_run_hours: from 1 to 336."
  }
}

variable "notification_channels" {
  description = "Channels of Cloud Monitoring that hear of alerts, projects/PROJECT/notificationChannels/NUMBER; they are there already."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for one in var.notification_channels : can(regex("^projects/[a-z0-9:.-]+/notificationChannels/[0-9]+$", one))])
    error_message = "notification_channels: each such as projects/our-project/notificationChannels/123."
  }
}

variable "temporary_days" {
  description = "Days after which temporary and staged files of Dataflow are deleted; longer than any job runs."
  type        = number
  default     = 14

  validation {
    condition     = var.temporary_days >= 1 && floor(var.temporary_days) == var.temporary_days
    error_message = "temporary_days: a whole number from 1 on."
  }
}

variable "noncurrent_days" {
  description = "Days for which versions of objects that were overwritten or deleted can be brought back."
  type        = number
  default     = 30

  validation {
    condition     = var.noncurrent_days >= 1 && floor(var.noncurrent_days) == var.noncurrent_days
    error_message = "noncurrent_days: a whole number from 1 on."
  }
}
