create type id_range as range (subtype = text, collation = "C");

-- For what time each item has been billed. Ids are compared as ranges of one value: a range overlaps another where the
-- ids are equal, which needs no extension.
create table billing_periods (
    tenant            text        not null default current_setting('billow.tenant'),
    id                text        primary key,
    created           timestamptz not null,
    customer          text        not null,
    subscription      text        not null,
    subscription_item text        not null,
    kind              text        not null check (kind in ('licensed', 'metered')),
    price             text        not null,
    quantity          numeric,
    period_start      timestamptz not null,
    period_end        timestamptz not null,
    invoice           text,
    invoice_item      text,
    credited          bigint      not null,
    check (period_start <= period_end),
    check (invoice is null or invoice_item is null),
    exclude using gist (id_range(subscription_item, subscription_item, '[]') with &&,
        tstzrange(period_start, period_end) with &&)
);
create index on billing_periods (subscription);
create index on billing_periods (invoice_item) where invoice_item is not null;

-- What was billed before now has its periods too: for once the owner reads the lines of all tenants.
alter table invoice_lines no force row level security;
insert into billing_periods (tenant, id, created, customer, subscription, subscription_item, kind, price, quantity,
    period_start, period_end, invoice, credited)
select tenant, 'bp_' || min(substr(id, 4)), min(created), min(customer), min(subscription), subscription_item, kind,
    min(price), sum(quantity_decimal), period_start, max(period_end), invoice, 0
from invoice_lines where kind in ('licensed', 'metered')
group by tenant, subscription_item, kind, period_start, invoice;
alter table invoice_lines force row level security;

alter table billing_periods enable row level security;
alter table billing_periods force row level security;
create policy one_tenant on billing_periods using (tenant = current_setting('billow.tenant', true));

drop index invoice_lines_subscription_item_kind_period_start_coalesce_idx;

alter table subscriptions add column billing_mode jsonb not null
    default '{"type": "flexible", "flexible": {"proration_discounts": "included"}, "updated_at": null}';
alter table subscriptions alter column billing_mode drop default;
alter table subscriptions no force row level security;
update subscriptions set billing_mode = billing_mode || jsonb_build_object('updated_at', extract(epoch from created)::bigint);
alter table subscriptions force row level security;
alter table subscription_items add column metered_from timestamptz;
alter table invoice_items add column subscription_item text;
alter table invoice_items add column proration_details jsonb;
alter table invoice_lines add column proration_details jsonb;
