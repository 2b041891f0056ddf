-- Where a day of the seller's time zone begins: at the first of two midnights, where clocks are put back to it.
create function start_of_day(day date, zone text) returns timestamptz language sql immutable as $$
    select case when ((midnight - interval '1 hour') at time zone zone)::date = day then midnight - interval '1 hour'
        else midnight end
    from (select day::timestamp at time zone zone as midnight) as found
$$;

-- Make the sums of a tenant again, unless they are made by the seller's time zone already. Each statement sees what was committed before
-- it: where the account was changed meanwhile, some may be by another zone, so they count for nothing and are made again.
create or replace function make_ledger_sums() returns void language plpgsql as $$
declare
    made text := billow.seller_zone();
    before xid := (select xmin from billow.accounts where id = split_part(current_setting('billow.tenant'), '/', 1));
begin
    if exists (select from billow.ledger_summed where zone = made) then
        return;
    end if;
    delete from billow.ledger_days;
    delete from billow.ledger_accounts;
    delete from billow.ledger_items;
    perform billow.sum_up_transfers(null);
    insert into billow.ledger_summed (zone) values (made) on conflict (tenant) do update set zone = excluded.zone;
    if before is distinct from
        (select xmin from billow.accounts where id = split_part(current_setting('billow.tenant'), '/', 1))
    then
        delete from billow.ledger_summed;
    end if;
end $$;

-- What is sealed is added in the same transaction, also by a worker of an older version that seals while this one is installed.
create or replace function sum_up_the_sealed() returns trigger language plpgsql as $$
begin
    if exists (select from billow.ledger_summed where zone = billow.seller_zone()) then
        perform billow.sum_up_transfers(array(select transfer from taken));
        delete from billow.ledger_summed where zone <> billow.seller_zone();  -- if it was changed meanwhile
    else
        delete from billow.ledger_summed;
    end if;
    return null;
end $$;

-- What moved from one point in time until before another, by day of the seller's time zone and by accounts without their customers: whole
-- days as they are stored, what is not sealed yet, and the rest of the first and the last day as transfers. This function and the next
-- two are planned for their values each time, and apart from the query that asks them.
create or replace function ledger_moved(since timestamptz, until timestamptz) returns table (
    day date, debit text, credit text, event text, currency text, due date, amount numeric
) language sql stable set search_path = billow set plan_cache_mode = force_custom_plan as $$
    with bounds as (
        select z, since at time zone z as first, case
            when exists (select from billow.ledger_transfers t where t.created >= until) then until at time zone z
            else 'infinity' end as last
        from (select (select billow.seller_zone()) as z) zone
    ), days as (
        select z, case when since = billow.start_of_day(first::date, z) then first::date else first::date + 1 end as starts,
            last::date as ends
        from bounds
    ), whole as (
        select starts, ends, billow.start_of_day(starts, z) as begun, billow.start_of_day(ends, z) as ended from days
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
