-- How much will a customer bring in until it is lost, at the rate of the months between two points in time, by currency?
-- LTV is ARPA at the end / the average monthly logo churn: lost customers / customers at the start, over all months. It is revenue,
-- before costs. Without a loss there is no such figure; under 30 customers it says little.
with lost as (
    select currency, sum(customers) as at_start, sum(lost) as lost
    from customers_held(%(from)s::timestamptz, %(to)s::timestamptz)
    group by currency
), now as (
    select currency, sum(change) as mrr, sum(customers) as customers
    from recurring_days where day < %(to)s::timestamptz at time zone (select seller_zone())
    group by currency
)
select currency, n.customers::text as customers, round(n.mrr / n.customers) as arpa, l.lost::text as lost,
    round(100.0 * l.lost / l.at_start, 2)::text || ' %%' as monthly_churn,
    case when l.lost > 0 then round(n.mrr / n.customers * l.at_start / l.lost) end as ltv
from now n left join lost l using (currency)
where n.mrr > 0
order by currency
