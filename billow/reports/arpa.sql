-- How much recurring revenue does an account bring in on average at the end of each month, by currency?
-- ARPA is MRR / customers with MRR, rounded to the minor unit. ARR is 12 times MRR.
with zone as (
    select %(from)s at time zone z as since, %(to)s at time zone z as until from (select (select seller_zone()) as z) zone
), months as (
    select month, greatest(month, since) as starts, least(month + interval '1 month', until) as ends
    from zone cross join lateral generate_series(
        date_trunc('month', greatest(since, (select min(day) from recurring_days)::timestamp)),
        until - interval '1 microsecond', interval '1 month') as month
), daily as (
    select currency, day, sum(change) as change, sum(customers) as customers from recurring_days group by 1, 2
), held as (
    select m.month, d.currency, sum(d.change) as mrr, sum(d.customers) as customers
    from months m join daily d on d.day < m.ends
    group by 1, 2
)
select to_char(month, 'YYYY-MM') as month, currency, customers::text as customers, mrr,
    round(mrr / customers) as arpa, 12 * mrr as arr
from held
where mrr > 0
order by currency, month
