-- Since when a job asks an outside that does not answer: that is no failed try.
alter table jobs add column waiting_since timestamptz;
create index jobs_stuck on jobs (kind) where parked or waiting_since is not null;

-- One row, gone after a crash of the server as all that is unlogged: tells one life of the server from the next, since
-- a crash gives the numbers of lost transactions to others. Read by store/commit.py.
create unlogged table crash_markers (
    place  bigint primary key default 1 check (place = 1),
    marker text   not null
);
