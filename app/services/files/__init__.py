"""Records in files: CSV and NDJSON, in and out."""
