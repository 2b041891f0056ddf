-- What subscriptions will be, phase by phase. A subscription is planned by one schedule at a time.
create table subscription_schedules (
    tenant                text        not null default current_setting('billow.tenant'),
    id                    text        primary key,
    created               timestamptz not null,
    billing_mode          jsonb       not null,
    canceled_at           timestamptz,
    completed_at          timestamptz,
    current_phase         jsonb,
    customer              text        not null references customers,
    default_settings      jsonb       not null,
    end_behavior          text        not null check (end_behavior in ('cancel', 'none', 'release', 'renew')),
    metadata              jsonb       not null,
    phases                jsonb       not null,
    released_at           timestamptz,
    released_subscription text,
    status                text        not null
        check (status in ('active', 'canceled', 'completed', 'not_started', 'released')),
    subscription          text references subscriptions,
    test_clock            text,
    check (status <> 'active' or (subscription is not null and current_phase is not null)),
    check (status = 'active' or current_phase is null)
);
create index on subscription_schedules (tenant, created desc, id desc);
create index on subscription_schedules (tenant, customer);
create unique index subscription_schedules_active on subscription_schedules (subscription) where status = 'active';

alter table subscription_schedules enable row level security;
alter table subscription_schedules force row level security;
create policy one_tenant on subscription_schedules using (tenant = current_setting('billow.tenant', true));

alter table subscriptions add column schedule text;
