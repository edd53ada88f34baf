"""Writing: rows to Parquet parts, parts to the files of a run, and the commit."""
