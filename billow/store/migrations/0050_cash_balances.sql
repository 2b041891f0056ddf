-- What customers transferred and what it paid, as Stripe's cash balance shows it.
create table cash_balance_transactions (
    tenant                 text        not null default current_setting('billow.tenant'),
    id                     text        primary key,
    created                timestamptz not null,
    applied_to_payment     jsonb,
    currency               text        not null,
    customer               text        not null references customers,
    ending_balance         bigint      not null,
    entry                  text        not null references bank_entries,
    funded                 jsonb,
    net_amount             bigint      not null check (net_amount <> 0),
    type                   text        not null
        check (type in ('adjusted_for_overdraft', 'applied_to_payment', 'funded', 'funding_reversed', 'refunded_from_payment',
            'return_canceled', 'return_initiated', 'transferred_to_balance', 'unapplied_from_payment')),
    unapplied_from_payment jsonb
);
create index cash_balance_transactions_by_created on cash_balance_transactions (tenant, created desc, id desc);
create index cash_balance_transactions_by_customer on cash_balance_transactions (customer, created desc, id desc);

alter table cash_balance_transactions enable row level security;
alter table cash_balance_transactions force row level security;
create policy one_tenant on cash_balance_transactions using (tenant = current_setting('billow.tenant', true));
