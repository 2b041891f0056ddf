-- The whole database of billow. It is applied by the numbered migrations; a test holds the two together, and every
-- table of a resource together with its declaration in resources/.
--
-- A tenant is an account and a mode ('acct_1/test'). It is bound when a transaction begins, fills the column `tenant` by
-- itself, and row level security shows and takes nothing else: no query needs to say it, none can forget it.
-- Amounts are bigint in minor units, rates and quantities are numeric, instants are timestamptz in UTC. No default and no
-- query asks the database what time it is.

-- ----------------------------------------------------------------------------------------- the installation

-- Whose billing this is. One installation may serve several accounts; they never meet.
create table accounts (
    id               text        primary key,
    name             text,
    country          text        not null default 'US',
    default_currency text        not null default 'usd',
    created          timestamptz not null
);

-- Who may ask. Only a keyed hash of a key is kept, and a hint to tell keys apart.
create table api_keys (
    id           text        primary key,
    tenant       text        not null,
    kind         text        not null check (kind in ('secret', 'publishable')),
    digest       text        not null unique,
    hint         text        not null,
    created      timestamptz not null,
    expires_at   timestamptz,
    last_used_at timestamptz
);
create index api_keys_by_tenant on api_keys (tenant, created);

-- What was answered to a request, so that the same request hears the same again. No status: still in progress.
create table idempotency_keys (
    tenant      text        not null default current_setting('billow.tenant'),
    key         text        not null,
    fingerprint text        not null,
    request     text        not null,
    status      bigint,
    body        bytea,
    created     timestamptz not null,
    primary key (tenant, key),
    check ((status is null) = (body is null))
);
create index idempotency_keys_by_age on idempotency_keys (tenant, created);

-- What is due, and when: one timer per kind and thing. `clock` is 'wall', or the test clock that it belongs to.
-- Workers look across tenants, so row level security does not bind this table; each statement names its tenant.
create table jobs (
    tenant text        not null,
    clock  text        not null,
    kind   text        not null,
    ref    text        not null,
    run_at timestamptz not null,
    tries  bigint      not null default 0,
    error  text,
    parked boolean     not null default false,
    primary key (tenant, kind, ref)
);
create index jobs_due on jobs (clock, run_at) where not parked;

-- What happened, as it was told: `data` is kept as text, since an event never changes. Written by store/outbox.py.
create table events (
    tenant           text        not null default current_setting('billow.tenant'),
    id               text        primary key,
    created          timestamptz not null,
    api_version      text        not null,
    data             json        not null,
    pending_webhooks bigint      not null default 0,
    request          jsonb       not null,
    type             text        not null,
    related          text
);
create index events_by_created on events (tenant, created desc, id desc);
create index events_by_type on events (tenant, type, created desc, id desc);
create index events_by_related on events (tenant, related, created desc);

-- Who wants to hear of it.
create table webhook_endpoints (
    tenant         text        not null default current_setting('billow.tenant'),
    id             text        primary key,
    created        timestamptz not null,
    api_version    text        not null,
    description    text,
    enabled_events jsonb       not null,
    metadata       jsonb       not null default '{}',
    status         text        not null check (status in ('disabled', 'enabled')),
    url            text        not null,
    secret         text        not null
);
create index webhook_endpoints_by_created on webhook_endpoints (tenant, created desc, id desc);

-- Clocks that can be moved. `frozen_time` is the time of whatever belongs to the customers on it.
create table test_clocks (
    tenant         text        not null default current_setting('billow.tenant'),
    id             text        primary key,
    created        timestamptz not null,
    deletes_after  timestamptz not null,
    frozen_time    timestamptz not null,
    name           text,
    status         text        not null check (status in ('advancing', 'internal_failure', 'ready')),
    status_details jsonb       not null default '{}'
);
create index test_clocks_by_created on test_clocks (tenant, created desc, id desc);

-- ----------------------------------------------------------------------------------------- who pays

-- Who pays. The row is locked before anything that belongs to the customer. A deleted customer stays, for its invoices.
create table customers (
    tenant                text        not null default current_setting('billow.tenant'),
    id                    text        primary key,
    created               timestamptz not null,
    address               jsonb,
    balance               bigint      not null default 0,  -- negative: we owe the customer
    business_name         text,
    currency              text,
    default_source        text,
    delinquent            boolean     not null default false,
    description           text,
    email                 text,
    individual_name       text,
    invoice_prefix        text        not null,
    invoice_settings      jsonb       not null,
    metadata              jsonb       not null default '{}',
    name                  text,
    next_invoice_sequence bigint      not null default 1 check (next_invoice_sequence > 0),
    phone                 text,
    preferred_locales     jsonb       not null default '[]',
    shipping              jsonb,
    tax_exempt            text        not null default 'none' check (tax_exempt in ('exempt', 'none', 'reverse')),
    test_clock            text,
    deleted               boolean     not null default false,
    constraint customers_invoice_prefix unique (tenant, invoice_prefix)
);
create index customers_by_created on customers (tenant, created desc, id desc);
create index customers_by_email on customers (tenant, email, created desc) where email is not null;
create index customers_by_test_clock on customers (tenant, test_clock) where test_clock is not null;

-- Cards on file. `token` is what the gateway calls one; numbers are never here. Once detached, never used again.
create table payment_methods (
    tenant          text        not null default current_setting('billow.tenant'),
    id              text        primary key,
    created         timestamptz not null,
    allow_redisplay text        not null,
    billing_details jsonb       not null,
    card            jsonb       not null,
    customer        text,
    metadata        jsonb       not null default '{}',
    type            text        not null check (type in ('card')),
    token           text        not null,
    detached        boolean     not null default false,
    check (customer is null or not detached)
);
create index payment_methods_by_created on payment_methods (tenant, created desc, id desc);
create index payment_methods_by_customer on payment_methods (tenant, customer, created desc, id desc);

-- ----------------------------------------------------------------------------------------- what is sold

-- What is sold. Callers may choose the id, so it is unique in its tenant only.
create table products (
    tenant               text        not null default current_setting('billow.tenant'),
    id                   text        not null,
    created              timestamptz not null,
    active               boolean     not null default true,
    default_price        text,
    description          text,
    images               jsonb       not null default '[]',
    marketing_features   jsonb       not null default '[]',
    metadata             jsonb       not null default '{}',
    name                 text        not null,
    package_dimensions   jsonb,
    shippable            boolean,
    statement_descriptor text,
    tax_code             text,
    tax_details          jsonb,
    type                 text        not null check (type in ('good', 'service')),
    unit_label           text,
    updated              timestamptz not null,
    url                  text,
    primary key (tenant, id)
);
create index products_by_created on products (tenant, created desc, id desc);
create index products_by_default_price on products (tenant, default_price) where default_price is not null;

-- What a product costs. Amounts are kept as the exact decimal, and as an integer where they are one.
create table prices (
    tenant              text        not null default current_setting('billow.tenant'),
    id                  text        primary key,
    created             timestamptz not null,
    active              boolean     not null default true,
    billing_scheme      text        not null check (billing_scheme in ('per_unit', 'tiered')),
    currency            text        not null,
    currency_options    jsonb       not null default '{}',
    custom_unit_amount  jsonb,
    lookup_key          text,
    metadata            jsonb       not null default '{}',
    nickname            text,
    product             text        not null,
    recurring           jsonb,
    tax_behavior        text        not null check (tax_behavior in ('exclusive', 'inclusive', 'unspecified')),
    tiers               jsonb,
    tiers_mode          text        check (tiers_mode in ('graduated', 'volume')),
    transform_quantity  jsonb,
    type                text        not null check (type in ('one_time', 'recurring')),
    unit_amount         bigint,
    unit_amount_decimal numeric,
    inline              boolean     not null default false,
    constraint prices_lookup_key unique (tenant, lookup_key),
    foreign key (tenant, product) references products (tenant, id),
    check ((billing_scheme = 'tiered') = (tiers is not null)),
    check ((tiers is null) = (tiers_mode is null)),
    check ((type = 'recurring') = (recurring is not null)),
    check (num_nonnulls(tiers, custom_unit_amount, unit_amount_decimal) = 1),
    check (unit_amount is null or unit_amount = unit_amount_decimal)
);
create index prices_by_created on prices (tenant, created desc, id desc);
create index prices_by_product on prices (tenant, product, created desc, id desc);

-- What is counted, and how. Among active meters a name of events is unique.
create table meters (
    tenant              text        not null default current_setting('billow.tenant'),
    id                  text        primary key,
    created             timestamptz not null,
    customer_mapping    jsonb       not null,
    default_aggregation jsonb       not null,
    display_name        text        not null,
    event_name          text        not null,
    event_time_window   text        check (event_time_window in ('day', 'hour')),
    status              text        not null check (status in ('active', 'inactive')),
    status_transitions  jsonb       not null,
    updated             timestamptz not null,
    value_settings      jsonb       not null
);
create index meters_by_created on meters (tenant, created desc, id desc);
create unique index meters_event_name on meters (tenant, event_name) where status = 'active';


-- Agreements that renew. `told` is false until the first payment is settled and the creation was told.
create table subscriptions (
    tenant                 text        not null default current_setting('billow.tenant'),
    id                     text        primary key,
    created                timestamptz not null,
    billing_cycle_anchor   timestamptz not null,
    cancel_at              timestamptz,
    cancel_at_period_end   boolean     not null,
    canceled_at            timestamptz,
    cancellation_details   jsonb       not null,
    collection_method      text        not null
        check (collection_method in ('charge_automatically', 'send_invoice')),
    currency               text        not null,
    customer               text        not null references customers,
    days_until_due         bigint,
    default_payment_method text,
    description            text,
    ended_at               timestamptz,
    latest_invoice         text,
    metadata               jsonb       not null,
    payment_settings       jsonb       not null,
    start_date             timestamptz not null,
    status                 text        not null
        check (status in ('active', 'canceled', 'incomplete', 'incomplete_expired', 'past_due', 'paused',
            'trialing', 'unpaid')),
    status_details         jsonb,
    test_clock             text,
    trial_end              timestamptz,
    trial_settings         jsonb       not null,
    trial_start            timestamptz,
    told                   boolean     not null,
    check (status <> 'trialing' or trial_end is not null),
    check (collection_method <> 'send_invoice' or days_until_due is not null)
);
create index on subscriptions (tenant, created desc, id desc);
create index on subscriptions (tenant, customer);

-- The prices of a subscription, each in its own period.
create table subscription_items (
    tenant               text        not null default current_setting('billow.tenant'),
    id                   text        primary key,
    created              timestamptz not null,
    billed_until         timestamptz,
    current_period_end   timestamptz not null,
    current_period_start timestamptz not null,
    metadata             jsonb       not null,
    price                text        not null references prices,
    quantity             bigint,
    subscription         text        not null references subscriptions,
    check (current_period_start < current_period_end),
    check (quantity >= 0)
);
create index on subscription_items (subscription);

-- What is owed. A number is given once, at finalization, and never twice.
create table invoices (
    tenant                     text        not null default current_setting('billow.tenant'),
    id                         text        primary key,
    created                    timestamptz not null,
    account_country            text,
    account_name               text,
    amount_due                 bigint      not null,
    amount_paid                bigint      not null,
    amount_paid_off_stripe     bigint      not null,
    attempt_count              bigint      not null,
    attempted                  boolean     not null,
    auto_advance               boolean     not null,
    automatically_finalizes_at timestamptz,
    billing_reason             text        not null
        check (billing_reason in ('automatic_pending_invoice_item_invoice', 'manual', 'quote_accept', 'subscription',
            'subscription_create', 'subscription_cycle', 'subscription_threshold', 'subscription_update', 'upcoming')),
    collection_method          text        not null
        check (collection_method in ('charge_automatically', 'send_invoice')),
    currency                   text        not null,
    custom_fields              jsonb,
    customer                   text        not null references customers,
    customer_address           jsonb,
    customer_email             text,
    customer_name              text,
    customer_phone             text,
    customer_shipping          jsonb,
    customer_tax_exempt        text        not null,
    default_payment_method     text,
    description                text,
    due_date                   timestamptz,
    effective_at               timestamptz,
    ending_balance             bigint,
    footer                     text,
    hosted_invoice_url         text,
    invoice_pdf                text,
    last_finalization_error    jsonb,
    metadata                   jsonb       not null,
    next_payment_attempt       timestamptz,
    number                     text,
    parent                     jsonb,
    period_end                 timestamptz not null,
    period_start               timestamptz not null,
    starting_balance           bigint      not null,
    status                     text        not null
        check (status in ('draft', 'open', 'paid', 'uncollectible', 'void')),
    subtotal                   bigint      not null,
    subtotal_excluding_tax     bigint      not null,
    test_clock                 text,
    total                      bigint      not null,
    total_excluding_tax        bigint      not null,
    webhooks_delivered_at      timestamptz,
    days_until_due             bigint,
    finalized_at               timestamptz,
    marked_uncollectible_at    timestamptz,
    paid_at                    timestamptz,
    voided_at                  timestamptz,
    uncollectible_reason       text,
    subscription               text,
    payment_intent             text,
    payment_secret             text,
    check ((status = 'draft') = (finalized_at is null)),
    check (status = 'draft' or number is not null),
    check (amount_due >= 0 and amount_paid >= 0)
);
create index on invoices (tenant, created desc, id desc);
create index on invoices (tenant, customer);
create index on invoices (subscription);
create unique index on invoices (tenant, number);

-- The lines of invoices, written before their invoice so that its event shows them. The unique index is the last wall against billing a period twice (invariant 5).
create table invoice_lines (
    tenant              text        not null default current_setting('billow.tenant'),
    id                  text        primary key,
    created             timestamptz not null,
    amount              bigint      not null,
    currency            text        not null,
    description         text,
    discountable        boolean     not null,
    invoice             text        not null references invoices deferrable initially deferred,
    metadata            jsonb       not null,
    quantity_decimal    numeric,
    subscription        text,
    kind                text        not null check (kind in ('licensed', 'metered', 'trial', 'item')),
    position            bigint      not null,
    customer            text        not null,
    subscription_item   text,
    invoice_item        text,
    proration           boolean     not null,
    price               text,
    product             text,
    unit_amount_decimal numeric,
    flat_amount_decimal numeric,
    tier                bigint,
    period_start        timestamptz not null,
    period_end          timestamptz not null,
    earned              bigint      not null,
    usage               numeric
);
create index on invoice_lines (invoice);
create index on invoice_lines (subscription_item);
create unique index on invoice_lines (subscription_item, kind, period_start, coalesce(tier, 0))
    where kind in ('licensed', 'metered');

-- What waits for the next invoice, or sits on a draft.
create table invoice_items (
    tenant              text        not null default current_setting('billow.tenant'),
    id                  text        primary key,
    created             timestamptz not null,
    amount              bigint      not null,
    currency            text        not null,
    customer            text        not null,
    description         text,
    discountable        boolean     not null,
    invoice             text,
    metadata            jsonb       not null,
    proration           boolean     not null,
    quantity_decimal    numeric     not null,
    test_clock          text,
    price               text,
    product             text,
    unit_amount_decimal numeric,
    subscription        text,
    period_start        timestamptz not null,
    period_end          timestamptz not null
);
create index on invoice_items (tenant, created desc, id desc);
create index on invoice_items (tenant, customer);
create index on invoice_items (invoice);

-- Which intent pays which invoice.
create table invoice_payments (
    tenant           text        not null default current_setting('billow.tenant'),
    id               text        primary key,
    created          timestamptz not null,
    amount_paid      bigint,
    amount_requested bigint      not null,
    currency         text        not null,
    invoice          text        not null,
    is_default       boolean     not null,
    status           text        not null check (status in ('open', 'paid', 'canceled')),
    payment_intent   text        not null,
    canceled_at      timestamptz,
    paid_at          timestamptz,
    check (amount_requested >= 0)
);
create index on invoice_payments (tenant, created desc, id desc);
create index on invoice_payments (invoice);
create index on invoice_payments (payment_intent);

-- The wish to be paid, over as many attempts as it takes.
create table payment_intents (
    tenant              text        not null default current_setting('billow.tenant'),
    id                  text        primary key,
    created             timestamptz not null,
    amount              bigint      not null,
    amount_received     bigint      not null,
    canceled_at         timestamptz,
    cancellation_reason text,
    client_secret       text,
    currency            text        not null,
    customer            text        not null,
    description         text,
    last_payment_error  jsonb,
    latest_charge       text,
    metadata            jsonb       not null,
    next_action         jsonb,
    payment_method      text,
    setup_future_usage  text        check (setup_future_usage in ('off_session', 'on_session')),
    status              text        not null
        check (status in ('canceled', 'processing', 'requires_action', 'requires_capture', 'requires_confirmation',
            'requires_payment_method', 'succeeded')),
    invoice             text,
    check (amount > 0)
);
create index on payment_intents (tenant, created desc, id desc);
create index on payment_intents (tenant, customer);
create index on payment_intents (invoice);

-- One try to take money, written before the gateway is asked: no crash can lose its answer. One at a time.
create table attempts (
    tenant         text        not null default current_setting('billow.tenant'),
    id             text        primary key,
    created        timestamptz not null,
    payment_intent text        not null,
    invoice        text,
    customer       text        not null,
    amount         bigint      not null,
    currency       text        not null,
    payment_method text        not null,
    token          text        not null,
    off_session    boolean     not null,
    automatic      boolean     not null,
    state          text        not null
        check (state in ('processing', 'succeeded', 'failed', 'requires_action')),
    check (amount > 0)
);
create unique index on attempts (payment_intent) where state = 'processing';
create index on attempts (payment_intent);

-- Money taken, or a try that failed.
create table charges (
    tenant                          text        not null default current_setting('billow.tenant'),
    id                              text        primary key,
    created                         timestamptz not null,
    amount                          bigint      not null,
    amount_captured                 bigint      not null,
    amount_refunded                 bigint      not null,
    balance_transaction             text,
    billing_details                 jsonb       not null,
    calculated_statement_descriptor text,
    captured                        boolean     not null,
    currency                        text        not null,
    customer                        text,
    description                     text,
    failure_code                    text,
    failure_message                 text,
    metadata                        jsonb       not null,
    outcome                         jsonb,
    paid                            boolean     not null,
    payment_intent                  text,
    payment_method                  text,
    payment_method_details          jsonb,
    refunded                        boolean     not null,
    status                          text        not null check (status in ('failed', 'pending', 'succeeded')),
    check (amount > 0)
);
create index on charges (tenant, created desc, id desc);
create index on charges (tenant, customer);
create index on charges (payment_intent);

-- What moved our balance with the gateway.
create table balance_transactions (
    tenant             text        not null default current_setting('billow.tenant'),
    id                 text        primary key,
    created            timestamptz not null,
    amount             bigint      not null,
    available_on       timestamptz not null,
    currency           text        not null,
    description        text,
    fee                bigint      not null,
    fee_details        jsonb       not null,
    net                bigint      not null,
    reporting_category text        not null,
    source             text,
    status             text        not null check (status in ('available', 'pending')),
    type               text        not null check (type in ('charge', 'refund', 'adjustment', 'stripe_fee')),
    check (net = amount - fee)
);
create index on balance_transactions (tenant, created desc, id desc);
create index on balance_transactions (source);

-- The books: every movement of money, from the credited account to the debited one. Written by ledger/post.py only.
create table ledger_transfers (
    tenant    text        not null default current_setting('billow.tenant'),
    id        text        primary key,
    created   timestamptz not null,           -- when it happened, not when it was written
    debit     text        collate "C" not null,  -- 'receivable:cus_1'; byte order, so that prefixes use the index
    credit    text        collate "C" not null,
    amount    bigint      not null check (amount > 0),
    currency  text        not null,
    event     text        not null,           -- what happened: 'invoice.finalized'
    source    text        not null,           -- to what: 'in_1'
    sequence  bigint      not null,           -- its place among the transfers of one posting
    customer  text,
    invoice   text,
    line      text,
    check (debit <> credit),
    unique (tenant, source, event, sequence)  -- an event is posted once: a replay fails
);
create index ledger_transfers_by_created on ledger_transfers (tenant, created desc, id desc);
create index ledger_transfers_by_debit on ledger_transfers (tenant, debit, created);
create index ledger_transfers_by_credit on ledger_transfers (tenant, credit, created);
create index ledger_transfers_by_invoice on ledger_transfers (tenant, invoice) where invoice is not null;
create index ledger_transfers_by_customer on ledger_transfers (tenant, customer, created desc) where customer is not null;

-- Books are not corrected by rubbing out: a correction is a transfer in the other direction.
create function refuse_to_change_the_books() returns trigger language plpgsql as $$
begin
    raise exception 'ledger transfers are final: post one in the other direction'
        using errcode = 'restrict_violation';
end $$;
create trigger ledger_transfers_are_final before update or delete or truncate on ledger_transfers
    for each statement execute function refuse_to_change_the_books();

-- Measured use, one row per event. `digest` is a 128-bit hash of tenant and identifier: the key by which an event is
-- counted once, whoever sends it how often. `payload` holds only what is neither customer nor value. `arrival` orders
-- events by when they came, as `last` wants it for two values of one instant. A canceled event stays, as a trace.
create table meter_events (
    tenant      text        not null default current_setting('billow.tenant'),
    digest      uuid        primary key,
    meter       text        not null,
    customer    text        not null,
    identifier  text        not null,
    series      bigint      not null,      -- a 64-bit hash of customer and meter
    at          timestamptz not null,
    value       numeric     not null,
    payload     jsonb,
    created     timestamptz not null,
    arrival     bigint      not null,
    canceled_at timestamptz
);
-- The ragged edges of a period are read from single events. The short key makes the index a third of what customer and
-- meter would take; they are compared as well, since two series may share a hash.
create index meter_events_by_time on meter_events (series, at);

-- One number per transaction that brings events; they are numbered within it.
create sequence meter_arrivals;

-- The same events per customer, meter and hour, written in the same transaction: what billing reads.
create table meter_hours (
    tenant       text        not null default current_setting('billow.tenant'),
    meter        text        not null,
    customer     text        not null,
    hour         timestamptz not null,
    sum          numeric     not null,
    count        bigint      not null,
    last         numeric,
    last_at      timestamptz,
    last_arrival bigint,
    primary key (customer, meter, hour, tenant),
    check (count >= 0),
    check (num_nulls(last, last_at, last_arrival) in (0, 3))
);


-- ----------------------------------------------------------------------------------------- tenancy

-- Every table with a tenant shows and takes only the rows of the tenant that is bound; also to its owner.
do $$
declare
    name text;
begin
    for name in
        select c.table_name from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
        where c.table_schema = current_schema() and c.column_name = 'tenant' and t.table_type = 'BASE TABLE'
        and c.table_name not in ('api_keys', 'jobs') order by c.table_name
    loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy one_tenant on %I using (tenant = current_setting(''billow.tenant'', true))', name);
    end loop;
end $$;
