-- How the monthly recurring revenue of a subscription changed, as its events say. `sequence` is that of the event.
create table recurring_revenue (
    tenant       text        not null default current_setting('billow.tenant'),
    subscription text        not null references subscriptions on delete cascade,
    sequence     bigint      not null,
    at           timestamptz not null,
    change       bigint      not null check (change <> 0),
    currency     text        not null,
    customer     text        not null,
    primary key (tenant, subscription, sequence)
);
create index on recurring_revenue (tenant, customer);
create index on recurring_revenue (subscription);
alter table recurring_revenue enable row level security;
alter table recurring_revenue force row level security;
create policy one_tenant on recurring_revenue using (tenant = current_setting('billow.tenant', true));

-- Up to which event the changes above are read.
create table recurring_revenue_read (
    tenant   text   primary key default current_setting('billow.tenant'),
    sequence bigint not null
);
alter table recurring_revenue_read enable row level security;
alter table recurring_revenue_read force row level security;
create policy one_tenant on recurring_revenue_read using (tenant = current_setting('billow.tenant', true));

-- What moved each customer's recurring revenue, by day of the seller's time zone: `after` is `before` and `change`. It is made of the
-- changes above; a customer who never paid before is new, one who comes back is a reactivation (core/recurring.py).
create table recurring_movements (
    tenant   text   not null default current_setting('billow.tenant'),
    customer text   not null references customers on delete cascade,
    currency text   not null,
    day      date   not null,
    before   bigint not null check (before >= 0),
    change   bigint not null check (change <> 0),
    after    bigint not null check (after >= 0),
    kind     text   not null check (kind in ('churn', 'contraction', 'expansion', 'new', 'reactivation')),
    primary key (tenant, customer, currency, day),
    check (before + change = after)
);
create index on recurring_movements (tenant, day);
create index on recurring_movements (customer);
alter table recurring_movements enable row level security;
alter table recurring_movements force row level security;
create policy one_tenant on recurring_movements using (tenant = current_setting('billow.tenant', true));
