-- Which endpoints hear of connected accounts. The accounts of a platform are found by its id.
alter table webhook_endpoints add column connect boolean not null default false;
alter table event_destinations add column events_from jsonb not null default '["@self"]';
create index accounts_by_platform on accounts (platform) where platform is not null;
