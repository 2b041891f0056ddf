-- What API requests asked, without secrets, and how they were answered: for those who look for a fault in
-- their own program. Written apart from the requests themselves, and deleted after thirty days.
create table api_requests (
    tenant          text        not null default current_setting('billow.tenant'),
    id              text        primary key,
    created         timestamptz not null,
    method          text        not null,
    address         text        not null,       -- the path, without its query
    status          bigint      not null,
    error           jsonb,                        -- the error object that was answered
    about           text,                         -- the object that was answered
    key             text,                         -- the API key, by its id
    api_version     text,
    idempotency_key text,
    user_agent      text,
    sent            jsonb,                        -- the parameters without secrets; null where they were too long
    milliseconds    bigint      not null
);
create index api_requests_by_created on api_requests (tenant, created desc, id desc);
create index api_requests_by_about on api_requests (tenant, about, created desc) where about is not null;

alter table api_requests enable row level security;
alter table api_requests force row level security;
create policy one_tenant on api_requests using (tenant = current_setting('billow.tenant', true));
