"""KEEP: PostgreSQL: transactions, jobs, the outbox, clocks and the schema."""
