-- Events get a number, webhooks a queue for each receiver, and v2 its event destinations.

alter table events add column told_at timestamptz, add column sequence bigint;
create unique index events_by_sequence on events (tenant, sequence) where sequence is not null;
create index events_unnumbered on events (tenant, id) where sequence is null;

create table event_counters (
    tenant text   primary key default current_setting('billow.tenant'),
    last   bigint not null
);

alter table webhook_endpoints
    add column former_secret text,
    add column former_until  timestamptz,
    add check ((former_secret is null) = (former_until is null));

create table event_destinations (
    tenant          text        not null default current_setting('billow.tenant'),
    id              text        primary key,
    created         timestamptz not null,
    description     text        not null default '',
    disabled_reason text,
    enabled_events  jsonb       not null,
    event_payload   text        not null check (event_payload in ('snapshot', 'thin')),
    metadata        jsonb       not null default '{}',
    name            text        not null,
    secret          text        not null,
    updated         timestamptz not null,
    url             text        not null
);
create index event_destinations_by_created on event_destinations (tenant, created desc, id desc);

create table webhook_deliveries (
    tenant          text        not null default current_setting('billow.tenant'),
    id              text        primary key,
    created         timestamptz not null,
    attempts        bigint      not null default 0,
    error           text,
    event           text        not null,
    last_attempt_at timestamptz,
    next_attempt_at timestamptz,
    receiver        text        not null,
    response_status bigint,
    status          text        not null check (status in ('failed', 'pending', 'succeeded')),
    unique (event, receiver),
    check ((status = 'pending') = (next_attempt_at is not null))
);
create index webhook_deliveries_by_receiver on webhook_deliveries (tenant, receiver, created desc, id desc);
create index webhook_deliveries_waiting on webhook_deliveries (receiver, next_attempt_at, id) where status = 'pending';

create table webhook_receivers (
    tenant     text    not null default current_setting('billow.tenant'),
    id         text    primary key,
    busy_until timestamptz,
    slow       boolean not null default false
);

-- What waited as a job for one event and one endpoint waits as a delivery; a second, older try of the same is dropped.
-- The migration sees the events and endpoints of all tenants: their security is lifted until its end.
alter table events no force row level security;
alter table webhook_endpoints no force row level security;
insert into webhook_deliveries (tenant, id, created, attempts, event, next_attempt_at, receiver, status)
    select distinct on (j.parts[1], j.parts[2]) j.tenant, 'whd_' || substr(md5(j.ref), 1, 24), j.run_at,
        coalesce(j.parts[3], '0')::bigint, j.parts[1], j.run_at, j.parts[2], 'pending'
    from (select *, string_to_array(ref, ':') as parts from jobs where kind = 'webhook.deliver') j
    join events e on e.id = j.parts[1] join webhook_endpoints w on w.id = j.parts[2]
    order by j.parts[1], j.parts[2], j.run_at;
delete from jobs where kind = 'webhook.deliver';
update events e set told_at = e.created, sequence = n.place
    from (select id, row_number() over (partition by tenant order by id) as place from events) n where n.id = e.id;
insert into event_counters (tenant, last) select tenant, max(sequence) from events group by tenant;
insert into jobs (tenant, clock, kind, ref, run_at)
    select distinct on (receiver) tenant, 'wall', 'webhook.deliver', receiver, next_attempt_at from webhook_deliveries
    order by receiver, next_attempt_at;
alter table events alter column told_at set not null;
alter table events force row level security;
alter table webhook_endpoints force row level security;

do $$
declare
    name text;
begin
    foreach name in array array['event_counters', 'event_destinations', 'webhook_deliveries', 'webhook_receivers']
    loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy one_tenant on %I using (tenant = current_setting(''billow.tenant'', true))', name);
    end loop;
end $$;
