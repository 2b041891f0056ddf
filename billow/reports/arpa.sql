-- How much recurring revenue does an account bring in on average at the end of each month, by currency?
-- ARPA is MRR / customers with MRR, rounded to the minor unit. ARR is 12 times MRR.
with zone as (
    select %(from)s at time zone z as since, %(to)s at time zone z as until from (select seller_zone() as z) zone
), months as (
    select month, least(month + interval '1 month', until) as ends
    from zone cross join lateral generate_series(
        date_trunc('month', greatest(since, (select min(day) from recurring_movements)::timestamp)),
        until - interval '1 microsecond', interval '1 month') as month
), held as (
    select month, currency, customer, sum(change) as mrr
    from months join recurring_movements on day < ends
    group by 1, 2, 3
    having sum(change) > 0
)
select to_char(month, 'YYYY-MM') as month, currency, count(*)::text as customers, sum(mrr) as mrr,
    round(sum(mrr) / count(*)) as arpa, 12 * sum(mrr) as arr
from held
group by month, currency
order by currency, month
