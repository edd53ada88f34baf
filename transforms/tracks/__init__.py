"""A track on its way through a worker, whatever the job: read, decode, heard, settled."""
