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

-- What moved each customer's recurring revenue, by day of the seller's time zone: `after` is `before` and `change`. A customer
-- who never paid before is new, one who comes back is a reactivation (core/recurring.py).
create view recurring_movements with (security_invoker = true) as
with daily as (
    select r.tenant, r.customer, r.currency, (r.at at time zone z.zone)::date as day, sum(r.change)::bigint as change
    from recurring_revenue r cross join (select seller_zone() as zone) z
    group by 1, 2, 3, 4
    having sum(r.change) <> 0
), running as (
    select *, (sum(change) over (partition by customer, currency order by day))::bigint as after from daily
), known as (
    select *, max(after) over (partition by customer, currency order by day
        rows between unbounded preceding and 1 preceding) > 0 as paid_before
    from running
)
select tenant, customer, currency, day, after - change as before, change, after,
    case when after = change then case when paid_before then 'reactivation' else 'new' end
         when after = 0 then 'churn'
         when change > 0 then 'expansion'
         else 'contraction' end as kind
from known;
