-- How far the vouchers of a tenant have numbers, so that giving new ones reads only what is new (ledger/voucher_numbers.py).
create table voucher_marks (
    tenant text        primary key default current_setting('billow.tenant'),
    until  timestamptz not null,  -- what was booked before it has a number, unless a later seal covers it
    seal   bigint      not null   -- of the ledger
);
alter table voucher_marks enable row level security;
alter table voucher_marks force row level security;
create policy one_tenant on voucher_marks using (tenant = current_setting('billow.tenant', true));
