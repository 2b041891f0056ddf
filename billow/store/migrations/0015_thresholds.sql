-- Use that is billed in mid-period when a threshold is reached, and items that are billed on a schedule of their own.
alter table subscriptions
    add column billing_thresholds jsonb,
    add column next_pending_invoice_item_invoice timestamptz,
    add column pending_invoice_item_interval jsonb,
    add column watched boolean not null default false;
create index subscriptions_watched on subscriptions (tenant, customer)
    where watched and status in ('active', 'past_due');
alter table subscription_items
    add column billed_use numeric,
    add column billing_thresholds jsonb,
    add column counted_from timestamptz;
alter table billing_periods
    add column counted_from timestamptz,
    add column billed_use numeric,
    add column continued boolean not null default false;
alter table invoices
    add column threshold_reason jsonb;
