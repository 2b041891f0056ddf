-- The amounts of which customers want to hear when their costs reach them, once in a period.
create table cost_alerts (
    tenant     text        not null default current_setting('billow.tenant'),
    id         text        primary key,
    created    timestamptz not null,
    customer   text        not null references customers,
    amount     bigint      not null check (amount > 0),
    currency   text        not null,
    told_until timestamptz,
    unique (tenant, customer, currency, amount)
);
create index cost_alerts_by_customer on cost_alerts (customer);

alter table cost_alerts enable row level security;
alter table cost_alerts force row level security;
create policy one_tenant on cost_alerts using (tenant = current_setting('billow.tenant', true));
