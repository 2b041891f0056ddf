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
), held as (
    -- What each customer who paid at the start of a month paid then, and at its end.
    select month, currency, customer, coalesce(sum(change) filter (where day < starts), 0) as start, sum(change) as "end"
    from months join recurring_movements on day < ends
    group by 1, 2, 3
    having coalesce(sum(change) filter (where day < starts), 0) > 0
), lost as (
    select currency, count(*) as at_start, count(*) filter (where "end" = 0) as lost from held group by currency
), paying as (
    select currency, customer, sum(change) as mrr
    from recurring_movements cross join zone where day < until
    group by 1, 2
    having sum(change) > 0
), now as (
    select currency, count(*) as customers, sum(mrr) as mrr from paying group by currency
)
select currency, n.customers::text as customers, round(n.mrr / n.customers) as arpa, l.lost::text as lost,
    round(100.0 * l.lost / l.at_start, 2)::text || ' %%' as monthly_churn,
    case when l.lost > 0 then round(n.mrr / n.customers * l.at_start / l.lost) end as ltv
from now n left join lost l using (currency)
order by currency
