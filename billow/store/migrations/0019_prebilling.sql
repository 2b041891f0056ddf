-- Items that are billed for several periods in advance.
alter table subscriptions add column billing_schedules jsonb not null default '[]';
