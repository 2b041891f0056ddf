-- The numbers of vouchers: each posting has one for ever, by series and fiscal year, in the order of the journal.
create table voucher_numbers (
    tenant text        not null default current_setting('billow.tenant'),
    source text        not null,  -- of the ledger, with its event: what the voucher is
    event  text        not null,
    series text        not null,
    year   date        not null,  -- the first day of the fiscal year
    number bigint      not null check (number > 0),
    booked date        not null,  -- in the seller's time zone
    given  timestamptz not null,
    primary key (tenant, source, event),
    unique (tenant, series, year, number)
);
create index voucher_numbers_by_booked on voucher_numbers (tenant, series, booked);
alter table voucher_numbers enable row level security;
alter table voucher_numbers force row level security;
create policy one_tenant on voucher_numbers using (tenant = current_setting('billow.tenant', true));

-- A number that was given once stays with its voucher, and leaves no gap behind.
create function refuse_to_change_a_voucher_number() returns trigger language plpgsql as $$
begin
    raise exception 'the number of a voucher is final' using errcode = 'restrict_violation';
end $$;
create trigger voucher_numbers_are_final before update or delete or truncate on voucher_numbers
    for each statement execute function refuse_to_change_a_voucher_number();
