-- Discounts, and tax rates on what is billed.
create table discounts (
    tenant            text        not null default current_setting('billow.tenant'),
    id                text        primary key,
    created           timestamptz not null,
    checkout_session  text,
    coupon            text        not null,
    customer          text        references customers,
    "end"             timestamptz,
    invoice           text,
    invoice_item      text,
    promotion_code    text,
    source            jsonb       not null,
    spent_on          text,
    start             timestamptz not null,
    subscription      text,
    subscription_item text,
    foreign key (tenant, coupon) references coupons (tenant, id)
);
create index discounts_by_customer on discounts (customer);

alter table discounts enable row level security;
alter table discounts force row level security;
create policy one_tenant on discounts using (tenant = current_setting('billow.tenant', true));

alter table customers add column discount text;
alter table subscriptions
    add column default_tax_rates jsonb not null default '[]',
    add column discounts         jsonb not null default '[]';
alter table subscription_items
    add column discounts jsonb not null default '[]',
    add column tax_rates jsonb not null default '[]';
alter table invoices
    add column default_tax_rates      jsonb not null default '[]',
    add column discounts              jsonb not null default '[]',
    add column labels                 jsonb not null default '{}',
    add column total_discount_amounts jsonb not null default '[]',
    add column total_taxes            jsonb not null default '[]';
alter table invoice_items
    add column discounts jsonb not null default '[]',
    add column tax_rates jsonb not null default '[]';
alter table invoice_lines
    add column discount_amounts jsonb not null default '[]',
    add column discounts        jsonb not null default '[]',
    add column taxes            jsonb not null default '[]',
    add column tax_rates        jsonb not null default '[]',
    add column net              bigint;

-- What was billed before had neither discount nor tax: for once the owner writes the lines of all tenants.
alter table invoice_lines no force row level security;
update invoice_lines set net = amount;
alter table invoice_lines force row level security;
alter table invoice_lines alter column net set not null;
