-- Sums of the ledger, so that screens and reports need not add up all transfers. They hold what is sealed; functions add what is not
-- sealed yet, so that their answers are those of the transfers at every instant (docs/decisions/0054-sums-of-the-ledger.md).
-- By which time zone a tenant's sums are made; without a row, or after the zone was changed, everything reads the transfers.
create table ledger_summed (
    tenant text primary key default current_setting('billow.tenant'),
    zone   text not null
);
alter table ledger_summed enable row level security;
alter table ledger_summed force row level security;
create policy one_tenant on ledger_summed using (tenant = current_setting('billow.tenant', true));

-- What moved in a day of the seller's time zone, between accounts without their customers. `due` is the month in which an invoice is due,
-- where that is a later one.
create table ledger_days (
    tenant   text    not null default current_setting('billow.tenant'),
    day      date    not null,
    debit    text    collate "C" not null,
    credit   text    collate "C" not null,
    event    text    not null,
    currency text    not null,
    due      date,
    amount   numeric not null check (amount > 0),
    unique nulls not distinct (tenant, day, debit, credit, event, currency, due)
) with (fillfactor = 80);
alter table ledger_days enable row level security;
alter table ledger_days force row level security;
create policy one_tenant on ledger_days using (tenant = current_setting('billow.tenant', true));

-- What each account was debited and credited.
create table ledger_accounts (
    tenant   text    not null default current_setting('billow.tenant'),
    account  text    collate "C" not null,
    currency text    not null,
    debit    numeric not null check (debit >= 0),
    credit   numeric not null check (credit >= 0),
    primary key (tenant, account, currency)
) with (fillfactor = 50);
alter table ledger_accounts enable row level security;
alter table ledger_accounts force row level security;
create policy one_tenant on ledger_accounts using (tenant = current_setting('billow.tenant', true));

-- What is open: of receivables by invoice, of what is not billed by invoice, of deferred revenue by line. What nets to nothing has no row.
create table ledger_items (
    tenant   text    not null default current_setting('billow.tenant'),
    kind     text    not null check (kind in ('deferred_revenue', 'receivable', 'unbilled')),
    customer text,
    invoice  text,
    line     text,
    currency text    not null,
    amount   numeric not null,                    -- debit less credit
    due      timestamptz,                         -- when a receivable was to be paid
    unique nulls not distinct (tenant, kind, customer, invoice, line, currency)
) with (fillfactor = 50);
create index ledger_items_settled on ledger_items (tenant) where amount = 0;
alter table ledger_items enable row level security;
alter table ledger_items force row level security;
create policy one_tenant on ledger_items using (tenant = current_setting('billow.tenant', true));

create function summed_account(account text) returns text language sql immutable as $$
    select case when account ^@ 'receivable:' or account ^@ 'customer_balance:' or account ^@ 'connected_share:'
        then split_part(account, ':', 1) else account end
$$;

-- Transfers as they are summed up by day.
create view ledger_moves with (security_invoker) as
    select t.id, t.created, (t.created at time zone z)::date as day, billow.summed_account(t.debit) as debit,
        billow.summed_account(t.credit) as credit, t.event, t.currency, t.amount,
        case when (t.debit ^@ 'receivable:' or t.credit ^@ 'receivable:')
            and date_trunc('month', coalesce(i.due_date, i.finalized_at) at time zone z)
                > date_trunc('month', t.created at time zone z)
            then date_trunc('month', coalesce(i.due_date, i.finalized_at) at time zone z)::date end as due
    from billow.ledger_transfers t cross join (select (select billow.seller_zone()) as z) zone
        left join billow.invoices i on i.id = t.invoice;

-- The sides of transfers, debits above zero and credits below it.
create view ledger_sides with (security_invoker) as
    select t.id, t.created, side.account, t.customer, t.invoice, t.line, t.currency, side.amount
    from billow.ledger_transfers t cross join lateral (values (t.debit, t.amount), (t.credit, -t.amount)) as side (account, amount);

-- The sides of accounts that are kept by item.
create view ledger_item_sides with (security_invoker) as
    select s.id, s.created, split_part(s.account, ':', 1) as kind,
        case when s.account ^@ 'receivable:' then substr(s.account, 12) else s.customer end as customer, s.invoice,
        case when s.account = 'deferred_revenue' then s.line end as line, s.currency, s.amount,
        case when s.account ^@ 'receivable:' then coalesce(i.due_date, i.finalized_at) end as due
    from billow.ledger_sides s left join billow.invoices i on i.id = s.invoice
    where s.account ^@ 'receivable:' or s.account in ('deferred_revenue', 'unbilled');

-- Add transfers to the sums; without ids all that are sealed.
create function sum_up_transfers(wanted text[]) returns void language plpgsql as $$
declare
    these text := case when wanted is null then 'not exists (select from billow.ledger_unsealed u where u.transfer = one.id)'
        else 'one.id = any($1)' end;
begin
    execute format('insert into billow.ledger_days (day, debit, credit, event, currency, due, amount)
        select day, debit, credit, event, currency, due, sum(amount) from billow.ledger_moves one where %s
        group by 1, 2, 3, 4, 5, 6
        on conflict (tenant, day, debit, credit, event, currency, due) do update
        set amount = ledger_days.amount + excluded.amount', these) using wanted;
    execute format('insert into billow.ledger_accounts (account, currency, debit, credit)
        select account, currency, coalesce(sum(amount) filter (where amount > 0), 0),
            coalesce(-sum(amount) filter (where amount < 0), 0)
        from billow.ledger_sides one where %s group by 1, 2
        on conflict (tenant, account, currency) do update
        set debit = ledger_accounts.debit + excluded.debit, credit = ledger_accounts.credit + excluded.credit', these)
        using wanted;
    execute format('insert into billow.ledger_items (kind, customer, invoice, line, currency, amount, due)
        select kind, customer, invoice, line, currency, sum(amount), max(due) from billow.ledger_item_sides one where %s
        group by 1, 2, 3, 4, 5 having sum(amount) <> 0
        on conflict (tenant, kind, customer, invoice, line, currency) do update
        set amount = ledger_items.amount + excluded.amount', these) using wanted;
    delete from billow.ledger_items where amount = 0;
end $$;

-- Make the sums of a tenant again, unless they are made by the seller's time zone already.
create function make_ledger_sums() returns void language plpgsql as $$
begin
    if exists (select from billow.ledger_summed where zone = billow.seller_zone()) then
        return;
    end if;
    delete from billow.ledger_days;
    delete from billow.ledger_accounts;
    delete from billow.ledger_items;
    perform billow.sum_up_transfers(null);
    insert into billow.ledger_summed (zone) values (billow.seller_zone())
        on conflict (tenant) do update set zone = excluded.zone;
end $$;

-- What is sealed is added in the same transaction, also by a worker of an older version that seals while this one is installed.
create function sum_up_the_sealed() returns trigger language plpgsql as $$
begin
    if exists (select from billow.ledger_summed where zone = billow.seller_zone()) then
        perform billow.sum_up_transfers(array(select transfer from taken));
    else
        delete from billow.ledger_summed;
    end if;
    return null;
end $$;
create trigger ledger_unsealed_is_summed_up after delete on ledger_unsealed
    referencing old table as taken for each statement execute function sum_up_the_sealed();

-- What moved from one point in time until before another, by day of the seller's time zone and by accounts without their customers: whole
-- days as they are stored, what is not sealed yet, and the rest of the first and the last day as transfers. This function and the next
-- two are planned for their values each time, and apart from the query that asks them.
create function ledger_moved(since timestamptz, until timestamptz) returns table (
    day date, debit text, credit text, event text, currency text, due date, amount numeric
) language sql stable set search_path = billow set plan_cache_mode = force_custom_plan as $$
    with bounds as (
        select z, since at time zone z as first, case
            when exists (select from billow.ledger_transfers t where t.created >= until) then until at time zone z
            else 'infinity' end as last
        from (select (select billow.seller_zone()) as z) zone
    ), days as (
        select z, case when first = date_trunc('day', first) then first::date else first::date + 1 end as starts,
            last::date as ends
        from bounds
    ), whole as (
        select starts, ends, starts::timestamp at time zone z as begun, ends::timestamp at time zone z as ended from days
        where starts < ends and exists (select from billow.ledger_summed s where s.zone = z)
    ), edge as (
        select coalesce((select begun from whole), until) as ended
    )
    select d.day, d.debit, d.credit, d.event, d.currency, d.due, d.amount
    from billow.ledger_days d where d.day >= (select starts from whole) and d.day < (select ends from whole)
    union all
    select m.day, m.debit, m.credit, m.event, m.currency, m.due, m.amount
    from billow.ledger_unsealed u join billow.ledger_moves m on m.id = u.transfer
    where m.created >= (select begun from whole) and m.created < (select ended from whole)
    union all
    select m.day, m.debit, m.credit, m.event, m.currency, m.due, m.amount from billow.ledger_moves m
    where m.created >= since and m.created < (select ended from edge)
    union all
    select m.day, m.debit, m.credit, m.event, m.currency, m.due, m.amount from billow.ledger_moves m
    where m.created >= (select ended from whole) and m.created < until
$$;

-- The sums of all accounts at a point in time: what is summed up and not sealed yet, without what was booked later.
create function ledger_totals(at timestamptz) returns table (account text, currency text, debit numeric, credit numeric)
language sql stable set search_path = billow set plan_cache_mode = force_custom_plan as $$
    with ready as (
        select exists (select from billow.ledger_summed s where s.zone = billow.seller_zone()) as summed
    )
    select a.account, a.currency, sum(a.debit), sum(a.credit) from (
        select l.account, l.currency, l.debit, l.credit from billow.ledger_accounts l where (select summed from ready)
        union all
        select s.account, s.currency, greatest(s.amount, 0), greatest(-s.amount, 0)
        from billow.ledger_unsealed u join billow.ledger_sides s on s.id = u.transfer where (select summed from ready)
        union all
        select s.account, s.currency, -greatest(s.amount, 0), -greatest(-s.amount, 0)
        from billow.ledger_sides s where s.created > at and (select summed from ready)
        union all
        select s.account, s.currency, greatest(s.amount, 0), greatest(-s.amount, 0)
        from billow.ledger_sides s where s.created <= at and not (select summed from ready)
    ) a group by a.account, a.currency having sum(a.debit) <> 0 or sum(a.credit) <> 0
$$;

-- What is open at a point in time on the accounts of a kind, by item, debit less credit.
create function ledger_open(of text, at timestamptz) returns table (
    customer text, invoice text, line text, currency text, amount numeric, due timestamptz
) language sql stable set search_path = billow set plan_cache_mode = force_custom_plan as $$
    with ready as (
        select exists (select from billow.ledger_summed s where s.zone = billow.seller_zone()) as summed
    )
    select o.customer, o.invoice, o.line, o.currency, sum(o.amount), max(o.due) from (
        select i.customer, i.invoice, i.line, i.currency, i.amount, i.due
        from billow.ledger_items i where i.kind = of and (select summed from ready)
        union all
        select s.customer, s.invoice, s.line, s.currency, s.amount, s.due
        from billow.ledger_unsealed u join billow.ledger_item_sides s on s.id = u.transfer
        where s.kind = of and (select summed from ready)
        union all
        select s.customer, s.invoice, s.line, s.currency, -s.amount, s.due
        from billow.ledger_item_sides s where s.kind = of and s.created > at and (select summed from ready)
        union all
        select s.customer, s.invoice, s.line, s.currency, s.amount, s.due
        from billow.ledger_item_sides s where s.kind = of and s.created <= at and not (select summed from ready)
    ) o group by 1, 2, 3, 4 having sum(o.amount) <> 0
$$;
