-- The customers who paid at the start of each month, by currency, and what the month changed in their recurring revenue: how many
-- were lost and what they paid, what others pay less, and what others pay more. Reports on churn and retention read it.
create function customers_held(since_at timestamptz, until_at timestamptz) returns table (
    month timestamp, currency text, customers numeric, start numeric, lost bigint, churned numeric, contracted numeric,
    expanded numeric
) language sql stable as $$
    with zone as (
        select since_at at time zone z as since, until_at at time zone z as until from (select billow.seller_zone() as z) zone
    ), months as (
        select month, greatest(month, since) as starts, least(month + interval '1 month', until) as ends
        from zone cross join lateral generate_series(
            date_trunc('month', greatest(since, (select min(day) from billow.recurring_movements)::timestamp)),
            until - interval '1 microsecond', interval '1 month') as month
    ), daily as (
        select currency, day, sum(change) as change,
            count(*) filter (where before = 0) - count(*) filter (where after = 0) as customers
        from billow.recurring_movements group by 1, 2
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
