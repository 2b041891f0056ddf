-- How often a job was begun by a worker that did not come back: what kills its worker is parked in the end.
alter table jobs add column starts bigint not null default 0;
