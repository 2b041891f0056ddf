-- What moved recurring revenue on a day, by kind: sums of recurring_movements, whose triggers keep them. `customers` is how many more
-- pay after it.
create table recurring_days (
    tenant    text    not null default current_setting('billow.tenant'),
    currency  text    not null,
    day       date    not null,
    kind      text    not null,
    change    numeric not null,
    customers bigint  not null,
    primary key (tenant, currency, day, kind)
);

create function add_recurring_days() returns trigger language plpgsql as $$
begin
    insert into billow.recurring_days (currency, day, kind, change, customers)
    select currency, day, kind, sum(change), count(*) filter (where before = 0) - count(*) filter (where after = 0)
    from moved group by 1, 2, 3
    on conflict (tenant, currency, day, kind) do update
    set change = recurring_days.change + excluded.change, customers = recurring_days.customers + excluded.customers;
    return null;
end $$;
create trigger recurring_movements_are_summed_up after insert on recurring_movements
    referencing new table as moved for each statement execute function add_recurring_days();

create function take_recurring_days() returns trigger language plpgsql as $$
begin
    update billow.recurring_days d set change = d.change - m.change, customers = d.customers - m.customers
    from (
        select currency, day, kind, sum(change) as change,
            count(*) filter (where before = 0) - count(*) filter (where after = 0) as customers
        from moved group by 1, 2, 3
    ) m where d.currency = m.currency and d.day = m.day and d.kind = m.kind;
    delete from billow.recurring_days where change = 0;
    return null;
end $$;
create trigger recurring_movements_are_taken_back after delete on recurring_movements
    referencing old table as moved for each statement execute function take_recurring_days();

alter table recurring_movements no force row level security;
insert into recurring_days (tenant, currency, day, kind, change, customers)
select tenant, currency, day, kind, sum(change), count(*) filter (where before = 0) - count(*) filter (where after = 0)
from recurring_movements group by 1, 2, 3, 4;
alter table recurring_movements force row level security;

alter table recurring_days enable row level security;
alter table recurring_days force row level security;
create policy one_tenant on recurring_days using (tenant = current_setting('billow.tenant', true));

create or replace function customers_held(since_at timestamptz, until_at timestamptz) returns table (
    month timestamp, currency text, customers numeric, start numeric, lost bigint, churned numeric, contracted numeric,
    expanded numeric
) language sql stable as $$
    with zone as (
        select since_at at time zone z as since, until_at at time zone z as until from (select (select billow.seller_zone()) as z) zone
    ), months as (
        select month, greatest(month, since) as starts, least(month + interval '1 month', until) as ends
        from zone cross join lateral generate_series(
            date_trunc('month', greatest(since, (select min(day) from billow.recurring_days)::timestamp)),
            until - interval '1 microsecond', interval '1 month') as month
    ), daily as (
        select currency, day, sum(change) as change, sum(customers) as customers
        from billow.recurring_days group by 1, 2
    ), opened as (
        select m.month, d.currency, sum(d.change) as start, sum(d.customers) as customers
        from months m join daily d on d.day < m.starts
        group by 1, 2
    ), moved as (
        -- What each customer who moved in a month paid at its start, and at its end.
        select m.month, r.currency, r.customer, (array_agg(r.before order by r.day))[1] as start,
            (array_agg(r.after order by r.day desc))[1] as "end"
        from months m join billow.recurring_movements r on r.day >= m.starts and r.day < m.ends
        group by 1, 2, 3
    ), changed as (
        select month, currency, count(*) filter (where "end" = 0) as lost,
            sum(start) filter (where "end" = 0) as churned,
            sum(start - "end") filter (where "end" > 0 and "end" < start) as contracted,
            sum("end" - start) filter (where "end" > start) as expanded
        from moved where start > 0
        group by 1, 2
    ), held as (
        select o.month, o.currency, o.customers, o.start, coalesce(c.lost, 0) as lost, coalesce(c.churned, 0) as churned,
            coalesce(c.contracted, 0) as contracted, coalesce(c.expanded, 0) as expanded
        from opened o left join changed c using (month, currency)
        where o.start > 0
    )
    select h.month, h.currency, h.customers, h.start, h.lost, h.churned, h.contracted, h.expanded from held h
$$;
