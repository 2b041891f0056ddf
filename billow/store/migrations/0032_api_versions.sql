-- The version of the API that an account's requests are written in where they name none, and that its events show.
alter table accounts add column api_version text not null default '2026-10-28.endive';

-- A webhook endpoint without a version follows its account's.
alter table webhook_endpoints alter column api_version drop not null;

alter table event_destinations add column snapshot_api_version text;
update event_destinations set snapshot_api_version = '2026-10-28.endive' where event_payload = 'snapshot';
