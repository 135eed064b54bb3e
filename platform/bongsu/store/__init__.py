"""Intent and history in SQL: runs, stages, attempts, lineage, cache, outbox. SQLite now, PostgreSQL the same."""
