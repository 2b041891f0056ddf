-- Why and when failed payments are tried again, for explanations and the report of recovery.

-- The failures of scheduled payments, each with the next attempt that was planned and the reason of its time.
create table payment_failures (
    tenant         text        not null default current_setting('billow.tenant'),
    invoice        text        not null,
    number         bigint      not null,  -- the attempts so far
    created        timestamptz not null,
    code           text        not null,
    class          text        not null,  -- of core/dunning.py
    payment_method text,
    sent           boolean     not null,  -- whether the gateway was asked
    next_at        timestamptz,           -- null: there is no further attempt
    reason         text        not null,
    primary key (tenant, invoice, number)
);

alter table payment_failures enable row level security;
alter table payment_failures force row level security;
create policy one_tenant on payment_failures using (tenant = current_setting('billow.tenant', true));
