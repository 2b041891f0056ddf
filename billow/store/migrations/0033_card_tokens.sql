-- Tokens of test cards, and the cards on file in the older format.

-- A card that was typed into a form, until it is attached or charged, once. Its number is not kept: the
-- reference is the name of a test card.
create table tokens (
    tenant    text        not null default current_setting('billow.tenant'),
    id        text        primary key,
    created   timestamptz not null,
    card      jsonb       not null,
    reference text        not null,
    used      boolean     not null default false
);
create index tokens_by_created on tokens (tenant, created desc, id desc);
alter table tokens enable row level security;
alter table tokens force row level security;
create policy one_tenant on tokens using (tenant = current_setting('billow.tenant', true));

-- The payment methods that were attached as sources, as the older part of the API shows them.
create view cards with (security_invoker) as
    select tenant, id, created, allow_redisplay, billing_details, card, customer, metadata
    from payment_methods where id like 'card\_%' and customer is not null;
