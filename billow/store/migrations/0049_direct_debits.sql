-- Files of direct debits, as they were written.
create table sepa_batches (
    tenant  text        not null default current_setting('billow.tenant'),
    id      text        primary key,
    created timestamptz not null,
    amount  bigint      not null,
    content text        not null,
    count   bigint      not null
);
create index sepa_batches_by_created on sepa_batches (tenant, created desc, id desc);

-- The debits in them. An attempt is in one file only, so no account is debited twice.
create table sepa_collections (
    tenant     text        not null default current_setting('billow.tenant'),
    id         text        primary key,
    created    timestamptz not null,
    amount     bigint      not null,
    attempt    text        not null unique references attempts,
    batch      text        not null references sepa_batches,
    booked_as  text        not null,
    collect_on text        not null,
    end_to_end text        not null,
    mandate    text        not null,
    reason     text,
    sequence   text        not null check (sequence in ('FRST', 'RCUR')),
    state      text        not null check (state in ('exported', 'settled', 'rejected', 'returned')),
    unique (tenant, end_to_end)
);
create index sepa_collections_by_created on sepa_collections (tenant, created desc, id desc);
create index sepa_collections_by_batch on sepa_collections (batch);
create index sepa_collections_by_booking on sepa_collections (tenant, booked_as);
create index sepa_collections_by_mandate on sepa_collections (tenant, mandate);

alter table sepa_batches enable row level security;
alter table sepa_batches force row level security;
create policy one_tenant on sepa_batches using (tenant = current_setting('billow.tenant', true));
alter table sepa_collections enable row level security;
alter table sepa_collections force row level security;
create policy one_tenant on sepa_collections using (tenant = current_setting('billow.tenant', true));

alter table balance_transactions drop constraint balance_transactions_type_check;
alter table balance_transactions add constraint balance_transactions_type_check
    check (type in ('adjustment', 'charge', 'payment', 'payment_failure_refund', 'payment_refund', 'refund', 'refund_failure',
        'stripe_fee', 'transfer', 'transfer_refund'));
