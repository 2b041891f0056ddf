-- How much will a customer bring in until it is lost, at the rate of the months between two points in time, by currency?
-- LTV is ARPA at the end / the average monthly logo churn: lost customers / customers at the start, over all months. It is revenue,
-- before costs. Without a loss there is no such figure; under 30 customers it says little.
with zone as (
    select %(from)s at time zone z as since, %(to)s at time zone z as until from (select seller_zone() as z) zone
), months as (
    select month, greatest(month, since) as starts, least(month + interval '1 month', until) as ends
    from zone cross join lateral generate_series(
        date_trunc('month', greatest(since, (select min(day) from recurring_movements)::timestamp)),
        until - interval '1 microsecond', interval '1 month') as month
), daily as (
    select currency, day, sum(change) as change,
        count(*) filter (where before = 0) - count(*) filter (where after = 0) as customers
    from recurring_movements group by 1, 2
), opened as (
    select m.month, d.currency, sum(d.change) as start, sum(d.customers) as customers
    from months m join daily d on d.day < m.starts
    group by 1, 2
), moved as (
    -- What each customer who moved in a month paid at its start, and at its end.
    select m.month, r.currency, r.customer, (array_agg(r.before order by r.day))[1] as start,
        (array_agg(r.after order by r.day desc))[1] as "end"
    from months m join recurring_movements r on r.day >= m.starts and r.day < m.ends
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
), lost as (
    select currency, sum(customers) as at_start, sum(lost) as lost from held group by currency
), now as (
    select currency, sum(change) as mrr, sum(customers) as customers
    from daily cross join zone where day < until
    group by currency
)
select currency, n.customers::text as customers, round(n.mrr / n.customers) as arpa, l.lost::text as lost,
    round(100.0 * l.lost / l.at_start, 2)::text || ' %%' as monthly_churn,
    case when l.lost > 0 then round(n.mrr / n.customers * l.at_start / l.lost) end as ltv
from now n left join lost l using (currency)
where n.mrr > 0
order by currency
