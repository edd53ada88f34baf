"""OpenSearch by its HTTP interface: mapping, bulk requests, aliases."""
