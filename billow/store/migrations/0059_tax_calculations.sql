-- The taxes on sales that are made elsewhere, with their lines.
create table tax_calculations (
    tenant               text        not null default current_setting('billow.tenant'),
    id                   text        primary key,
    created              timestamptz not null,
    amount_total         bigint      not null,
    currency             text        not null,
    customer             text,
    customer_details     jsonb       not null,
    expires_at           timestamptz,
    ship_from_details    jsonb,
    shipping_cost        jsonb,
    tax_amount_exclusive bigint      not null,
    tax_amount_inclusive bigint      not null,
    tax_breakdown        jsonb       not null,
    tax_date             timestamptz not null
);

create table tax_calculation_line_items (
    tenant        text        not null default current_setting('billow.tenant'),
    id            text        primary key,
    created       timestamptz not null,
    amount        bigint      not null,
    amount_tax    bigint      not null,
    metadata      jsonb       not null,
    product       text,
    quantity      bigint      not null,
    reference     text        not null,
    tax_behavior  text        not null,
    tax_breakdown jsonb       not null,
    tax_code      text        not null,
    calculation   text        not null references tax_calculations,
    position      bigint      not null,
    unique (calculation, position)
);

-- Sales elsewhere whose tax is owed, and what was reversed of them.
create table tax_transactions (
    tenant            text        not null default current_setting('billow.tenant'),
    id                text        primary key,
    created           timestamptz not null,
    currency          text        not null,
    customer          text,
    customer_details  jsonb       not null,
    metadata          jsonb       not null,
    posted_at         timestamptz not null,
    reference         text        not null,
    reversal          jsonb,
    ship_from_details jsonb,
    shipping_cost     jsonb,
    tax_date          timestamptz not null,
    type              text        not null check (type in ('reversal', 'transaction')),
    calculation       text        unique references tax_calculations,
    unique (tenant, reference)
);
create index tax_transactions_by_original on tax_transactions ((reversal ->> 'original_transaction'));

create table tax_transaction_line_items (
    tenant       text        not null default current_setting('billow.tenant'),
    id           text        primary key,
    created      timestamptz not null,
    amount       bigint      not null,
    amount_tax   bigint      not null,
    metadata     jsonb       not null,
    product      text,
    quantity     bigint      not null,
    reference    text        not null,
    reversal     jsonb,
    tax_behavior text        not null,
    tax_code     text        not null,
    type         text        not null,
    transaction  text        not null references tax_transactions,
    position     bigint      not null,
    unique (transaction, position)
);

alter table tax_calculations enable row level security;
alter table tax_calculations force row level security;
create policy one_tenant on tax_calculations using (tenant = current_setting('billow.tenant', true));

alter table tax_calculation_line_items enable row level security;
alter table tax_calculation_line_items force row level security;
create policy one_tenant on tax_calculation_line_items using (tenant = current_setting('billow.tenant', true));

alter table tax_transactions enable row level security;
alter table tax_transactions force row level security;
create policy one_tenant on tax_transactions using (tenant = current_setting('billow.tenant', true));

alter table tax_transaction_line_items enable row level security;
alter table tax_transaction_line_items force row level security;
create policy one_tenant on tax_transaction_line_items using (tenant = current_setting('billow.tenant', true));
