-- Intents whole: captured later, confirmed by hand, without a customer; set-ups, their attempts and mandates.
alter table payment_intents alter customer drop not null,
    add allowed_payment_method_types jsonb,
    add amount_capturable bigint not null default 0,
    add amount_details jsonb,
    add application_fee_amount bigint,
    add automatic_payment_methods jsonb,
    add capture_method text not null default 'automatic',
    add confirmation_method text not null default 'automatic',
    add excluded_payment_method_types jsonb,
    add hooks jsonb,
    add on_behalf_of text,
    add payment_details jsonb,
    add payment_method_configuration_details jsonb,
    add payment_method_options jsonb,
    add payment_method_types jsonb not null default '["card"]',
    add processing jsonb,
    add receipt_email text,
    add shipping jsonb,
    add statement_descriptor text,
    add statement_descriptor_suffix text,
    add transfer_data jsonb,
    add transfer_group text,
    add mandate text,
    add return_url text;
update payment_intents set payment_method_options = '{"card": {"installments": null, "mandate_options": null,
    "network": null, "request_three_d_secure": "automatic"}}', amount_details = '{"tip": {}}';

alter table attempts drop constraint attempts_kind_check, drop constraint attempts_amount_check,
    drop constraint attempts_check1, add setup_intent text;
alter table attempts add check (kind in ('charge', 'capture', 'refund', 'setup')),
    add check ((amount = 0) = (kind = 'setup')),
    add check (amount >= 0),
    add check ((setup_intent is not null) = (kind = 'setup')),
    add check (kind = 'setup' or num_nonnulls(payment_intent, charge) > 0);
create unique index on attempts (setup_intent) where state = 'processing';
create index on attempts (setup_intent) where setup_intent is not null;

-- What the customer has agreed to: later debits of one payment method, many times or once.
create table mandates (
    tenant                 text        not null default current_setting('billow.tenant'),
    id                     text        primary key,
    created                timestamptz not null,
    customer_acceptance    jsonb       not null,
    multi_use              jsonb,
    on_behalf_of           text,
    payment_method         text        not null,
    payment_method_details jsonb       not null,
    single_use             jsonb,
    status                 text        not null check (status in ('active', 'inactive', 'pending')),
    type                   text        not null check (type in ('multi_use', 'single_use'))
);
create index on mandates (payment_method);

-- The wish to keep a payment method for later, over as many attempts as it takes.
create table setup_intents (
    tenant                        text        not null default current_setting('billow.tenant'),
    id                            text        primary key,
    created                       timestamptz not null,
    allowed_payment_method_types  jsonb,
    attach_to_self                boolean,
    automatic_payment_methods     jsonb,
    cancellation_reason           text,
    client_secret                 text,
    customer                      text,
    description                   text,
    excluded_payment_method_types jsonb,
    flow_directions               jsonb,
    last_setup_error              jsonb,
    latest_attempt                text,
    mandate                       text,
    metadata                      jsonb       not null,
    next_action                   jsonb,
    on_behalf_of                  text,
    payment_method                text,
    payment_method_configuration_details jsonb,
    payment_method_options        jsonb,
    payment_method_types          jsonb       not null,
    single_use_mandate            text,
    status                        text        not null
        check (status in ('canceled', 'processing', 'requires_action', 'requires_confirmation',
            'requires_payment_method', 'succeeded')),
    usage                         text        not null,
    return_url                    text,
    subscription                  text
) with (fillfactor = 50);
create index on setup_intents (tenant, created desc, id desc);
create index on setup_intents (tenant, customer);
create index on setup_intents (subscription) where subscription is not null;

-- One try to set a payment method up, as the API shows it.
create table setup_attempts (
    tenant                 text        not null default current_setting('billow.tenant'),
    id                     text        primary key,
    created                timestamptz not null,
    attach_to_self         boolean,
    customer               text,
    flow_directions        jsonb,
    on_behalf_of           text,
    payment_method         text        not null,
    payment_method_details jsonb       not null,
    setup_error            jsonb,
    setup_intent           text        not null references setup_intents,
    status                 text        not null,
    usage                  text        not null,
    attempt                text
) with (fillfactor = 50);
create index on setup_attempts (setup_intent, created desc, id desc);

-- Which types of payment methods an account offers by itself. The first one is there before it is written.
create table payment_method_configurations (
    tenant      text        not null default current_setting('billow.tenant'),
    id          text        primary key,
    created     timestamptz not null,
    active      boolean     not null default true,
    is_default  boolean     not null default false,
    name        text        not null,
    parent      text,
    preferences jsonb       not null default '{}'
);
create unique index on payment_method_configurations (tenant) where is_default;
create index on payment_method_configurations (tenant, created desc, id desc);

do $$
declare
    name text;
begin
    foreach name in array array['mandates', 'setup_intents', 'setup_attempts', 'payment_method_configurations']
    loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy one_tenant on %I using (tenant = current_setting(''billow.tenant'', true))', name);
    end loop;
end $$;

alter table subscriptions add pending_setup_intent text;
