-- Shares of a platform's money that go to connected accounts.
alter table balance_transactions drop constraint balance_transactions_type_check;
alter table balance_transactions add check (type in
    ('adjustment', 'charge', 'payment', 'payment_refund', 'refund', 'stripe_fee', 'transfer', 'transfer_refund'));

create table transfers (
    tenant              text        not null default current_setting('billow.tenant'),
    id                  text        primary key,
    created             timestamptz not null,
    amount              bigint      not null check (amount > 0),
    amount_reversed     bigint      not null check (amount_reversed between 0 and amount),
    balance_transaction text,
    currency            text        not null,
    description         text,
    destination         text        not null,
    destination_payment text        not null,
    metadata            jsonb       not null,
    reversed            boolean     not null,
    source_transaction  text,
    source_type         text,
    transfer_group      text
);
create index transfers_by_created on transfers (tenant, created desc, id desc);
create index transfers_by_source on transfers (source_transaction);
alter table transfers enable row level security;
alter table transfers force row level security;
create policy one_tenant on transfers using (tenant = current_setting('billow.tenant', true));

create table transfer_reversals (
    tenant                     text        not null default current_setting('billow.tenant'),
    id                         text        primary key,
    created                    timestamptz not null,
    amount                     bigint      not null check (amount > 0),
    balance_transaction        text,
    currency                   text        not null,
    destination_payment_refund text,
    metadata                   jsonb       not null,
    transfer                   text        not null references transfers
);
create index transfer_reversals_by_transfer on transfer_reversals (transfer, created desc, id desc);
alter table transfer_reversals enable row level security;
alter table transfer_reversals force row level security;
create policy one_tenant on transfer_reversals using (tenant = current_setting('billow.tenant', true));
