-- How many of the customers of a month's start were lost in it, and how much of their recurring revenue, by currency?
-- Logo churn is lost customers / customers at the start. Revenue churn is what was lost by them and by those who pay less at the
-- end, / MRR at the start. A customer is lost who pays nothing at the end of the month. Under 30 customers a rate says little.
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
)
select to_char(month, 'YYYY-MM') as month, currency, count(*)::text as customers,
    count(*) filter (where "end" = 0)::text as lost,
    round(100.0 * count(*) filter (where "end" = 0) / count(*), 1)::text || ' %%' as logo_churn,
    sum(start) as start, coalesce(sum(start) filter (where "end" = 0), 0) as churned,
    coalesce(sum(start - "end") filter (where "end" > 0 and "end" < start), 0) as contracted,
    round(100 * sum(start - least(start, "end")) / sum(start), 1)::text || ' %%' as revenue_churn
from held
group by month, currency
order by currency, month
