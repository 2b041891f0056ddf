-- A subscription that goes on, but collects nothing for a while.
alter table subscriptions add column pause_collection jsonb;
