-- Quotes and their lines.

-- What customers are offered. Those that revise each other share a series: only one of them is accepted.
create table quotes (
    tenant                  text        not null default current_setting('billow.tenant'),
    id                      text        primary key,
    created                 timestamptz not null,
    amount_subtotal         bigint      not null,
    amount_total            bigint      not null,
    application_fee_amount  bigint,
    application_fee_percent numeric,
    collection_method       text        not null check (collection_method in ('charge_automatically', 'send_invoice')),
    computed                jsonb       not null,
    currency                text,
    customer                text        references customers,
    default_tax_rates       jsonb       not null,
    description             text,
    discounts               jsonb       not null,
    expires_at              timestamptz not null,
    footer                  text,
    from_quote              jsonb,
    header                  text,
    invoice                 text,  -- a draft, which may be deleted
    invoice_settings        jsonb       not null,
    metadata                jsonb       not null,
    number                  text,
    on_behalf_of            text,
    status                  text        not null check (status in ('accepted', 'canceled', 'draft', 'open')),
    subscription            text        references subscriptions,
    subscription_data       jsonb       not null,
    subscription_schedule   text        references subscription_schedules,
    test_clock              text,
    total_details           jsonb       not null,
    transfer_data           jsonb,
    accepted_at             timestamptz,
    canceled_at             timestamptz,
    finalized_at            timestamptz,
    at_period_end           boolean     not null,
    labels                  jsonb       not null,
    series                  text        not null,
    sequence                bigint,
    revision                bigint,
    told                    boolean     not null,
    unique (tenant, number)
);
create index quotes_by_created on quotes (tenant, created desc, id desc);
create index quotes_by_customer on quotes (customer, created desc, id desc);
create index quotes_by_series on quotes (series);
create unique index quotes_one_accepted on quotes (series) where status = 'accepted';

-- The lines of quotes, with what they come to.
create table line_items (
    tenant          text        not null default current_setting('billow.tenant'),
    id              text        primary key,
    created         timestamptz not null,
    amount_discount bigint      not null,
    amount_subtotal bigint      not null,
    amount_tax      bigint      not null,
    amount_total    bigint      not null,
    currency        text        not null,
    description     text,
    discounts       jsonb       not null,
    price           text        not null,
    quantity        bigint      check (quantity >= 0),
    taxes           jsonb       not null,
    position        bigint      not null,
    quote           text        not null references quotes,
    own_discounts   jsonb       not null,
    tax_rates       jsonb       not null,
    foreign key (tenant, price) references prices (tenant, id)
);
create unique index line_items_by_quote on line_items (quote, position);

do $$
declare
    name text;
begin
    foreach name in array array['quotes', 'line_items']
    loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy one_tenant on %I using (tenant = current_setting(''billow.tenant'', true))', name);
    end loop;
end $$;
