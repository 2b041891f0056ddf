-- How many of the customers who began to pay in a month still pay after so many months, and how much, by currency?
-- A cohort is the customers whose first recurring revenue began in that month; age 0 is its end, 1 the end of the next month.
-- Months that have not ended are not shown. Retained is of customers; MRR is of the money.
with zone as (
    select %(from)s at time zone z as since, %(to)s at time zone z as until from (select seller_zone() as z) zone
), firsts as (
    select customer, currency, date_trunc('month', min(day)::timestamp) as cohort
    from recurring_movements group by 1, 2
), ages as (
    select f.*, age, f.cohort + (age + 1) * interval '1 month' as ends
    from firsts f cross join zone cross join lateral generate_series(0,
        (extract(year from age(date_trunc('month', until), f.cohort)) * 12
         + extract(month from age(date_trunc('month', until), f.cohort)))::int - 1) as age
    where f.cohort >= date_trunc('month', since)
), held as (
    select a.cohort, a.currency, a.age, a.customer, coalesce(sum(m.change), 0) as mrr
    from ages a left join recurring_movements m
        on m.customer = a.customer and m.currency = a.currency and m.day < a.ends
    group by 1, 2, 3, 4
), counted as (
    select cohort, currency, age, count(*) as customers, count(*) filter (where mrr > 0) as retained, sum(mrr) as mrr
    from held group by 1, 2, 3
)
select to_char(cohort, 'YYYY-MM') as cohort, currency, age::text as age, customers::text as customers,
    retained::text as retained, round(100.0 * retained / customers, 1)::text || ' %%' as share, mrr,
    coalesce(round(100 * mrr / nullif(first_value(mrr) over (partition by cohort, currency order by age), 0), 1)::text
        || ' %%', 'n/a') as of_mrr
from counted
order by counted.currency, counted.cohort, counted.age
