-- The next job of a kind is found in the index, without sorting all that are due at the same instant.
drop index jobs_due;
create index jobs_due on jobs (clock, kind, run_at, tenant, ref) where not parked;
