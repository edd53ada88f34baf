"""PostgreSQL: tables made from the schemas, batches copied and upserted in a transaction each."""
