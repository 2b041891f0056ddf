-- An update that holds only if it is paid.
alter table subscriptions add column pending_change jsonb, add column pending_update jsonb;
