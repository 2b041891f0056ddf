-- Payments that came too late for what they were to pay, and are returned.
alter table charges add late_for text;
create index charges_late on charges (tenant, created desc) where late_for is not null;
