-- A method that a customer enters on a page of the gateway's own, and which page of ours goes on with it.
create table method_collections (
    tenant    text        not null default current_setting('billow.tenant'),
    id        text        primary key,
    created   timestamptz not null,
    page      text        not null check (page in ('checkout', 'invoice', 'method')),
    about     text        not null,             -- the checkout session or invoice, or whose method it is
    entered   jsonb       not null,             -- what else was entered on our page; emptied when it is over
    gateway   text        not null,
    reference text,                             -- the gateway's, once it has answered
    url       text,                             -- of the gateway's page
    method    text,                             -- what the gateway calls the method that was entered
    error     text,                             -- why nothing came of it, in words for the customer
    state     text        not null check (state in ('open', 'taken', 'failed', 'expired')),
    unique (tenant, gateway, reference),
    unique (tenant, gateway, method)
);
create index method_collections_by_created on method_collections (tenant, created);
create index method_collections_by_page on method_collections (about, created);

alter table method_collections enable row level security;
alter table method_collections force row level security;
create policy one_tenant on method_collections using (tenant = current_setting('billow.tenant', true));

alter table attempts add column method_type text not null default 'card', add column return_url text, add column action_url text;
create index checkout_sessions_by_awaited on checkout_sessions ((pending->>'awaits')) where pending->>'awaits' is not null;
create index checkout_sessions_by_begun on checkout_sessions ((pending->>'subscription')) where status = 'open';
