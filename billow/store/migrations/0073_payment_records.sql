-- Payments that were made elsewhere, as they were reported.
create table payment_records (
    tenant                        text        not null default current_setting('billow.tenant'),
    id                            text        primary key,
    created                       timestamptz not null,
    canceled                      bigint      not null,
    currency                      text        not null,
    customer                      text        references customers,
    customer_details              jsonb,
    customer_presence             text,
    description                   text,
    failed                        bigint      not null,
    guaranteed                    bigint      not null,
    metadata                      jsonb       not null,
    payment_method_details        jsonb,
    processor_details             jsonb       not null,
    refunded                      bigint      not null,
    requested                     bigint      not null check (requested > 0),
    shipping_details              jsonb,
    guaranteed_at                 timestamptz,
    invoice                       text        references invoices,
    latest_payment_attempt_record text,
    refunds                       jsonb       not null default '[]',
    check (guaranteed in (0, requested) and refunded between 0 and guaranteed)
);
create index on payment_records (tenant, created desc, id desc);
create index on payment_records (invoice) where invoice is not null;

-- Each attempt at one, and how it ended.
create table payment_attempt_records (
    tenant                        text        not null default current_setting('billow.tenant'),
    id                            text        primary key,
    created                       timestamptz not null,
    canceled                      bigint      not null,
    currency                      text        not null,
    customer                      text        references customers,
    customer_details              jsonb,
    customer_presence             text,
    description                   text,
    failed                        bigint      not null,
    guaranteed                    bigint      not null,
    metadata                      jsonb       not null,
    payment_method_details        jsonb,
    processor_details             jsonb       not null,
    refunded                      bigint      not null,
    requested                     bigint      not null check (requested > 0),
    shipping_details              jsonb,
    initiated_at                  timestamptz not null,
    payment_record                text        not null references payment_records
);
create index on payment_attempt_records (payment_record, created desc, id desc);

alter table payment_records enable row level security;
alter table payment_records force row level security;
create policy one_tenant on payment_records using (tenant = current_setting('billow.tenant', true));
alter table payment_attempt_records enable row level security;
alter table payment_attempt_records force row level security;
create policy one_tenant on payment_attempt_records using (tenant = current_setting('billow.tenant', true));

alter table invoice_payments
    alter column payment_intent drop not null,
    add column payment_record text,
    add constraint invoice_payments_payment_check check (num_nonnulls(payment_intent, payment_record) = 1);
