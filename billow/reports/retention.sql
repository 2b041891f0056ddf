-- How much of the recurring revenue of a month's start is there at its end, with growth (NRR) and without (GRR), by currency?
-- Of the customers who paid at the start: NRR is their MRR at the end / at the start, GRR counts none with more than at the start.
-- So NRR is (start + expansion - contraction - churn) / start, GRR is (start - contraction - churn) / start.
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
select to_char(month, 'YYYY-MM') as month, currency, count(*)::text as customers, sum(start) as start,
    sum(greatest("end" - start, 0)) as expansion,
    coalesce(sum(greatest(start - "end", 0)) filter (where "end" > 0), 0) as contraction,
    coalesce(sum(start) filter (where "end" = 0), 0) as churn, sum("end") as "end",
    round(100 * sum("end") / sum(start), 1)::text || ' %%' as nrr,
    round(100 * sum(least(start, "end")) / sum(start), 1)::text || ' %%' as grr
from held
group by month, currency
order by currency, month
