-- How many of the customers who began to pay in a month still pay after so many months, and how much, by currency?
-- A cohort is the customers whose first recurring revenue began in that month; age 0 is its end, 1 the end of the next month.
-- Months that have not ended are not shown. Retained is of customers; MRR is of the money.
with zone as (
    select %(from)s at time zone z as since, %(to)s at time zone z as until from (select (select seller_zone()) as z) zone
), firsts as (
    select customer, currency, date_trunc('month', day::timestamp) as cohort
    from recurring_movements where kind = 'new'
), moved as (
    select f.cohort, f.currency, date_trunc('month', m.day::timestamp) as month, sum(m.change) as change,
        count(*) filter (where m.before = 0) - count(*) filter (where m.after = 0) as customers
    from firsts f join recurring_movements m using (customer, currency)
    group by 1, 2, 3
), begun as (
    select cohort, currency, count(*) as customers from firsts group by 1, 2
), ages as (
    select b.*, month, row_number() over (partition by cohort, currency order by month) - 1 as age
    from begun b cross join zone cross join lateral generate_series(
        cohort, date_trunc('month', until) - interval '1 month', interval '1 month') as month
    where cohort >= date_trunc('month', since)
), counted as (
    select a.cohort, a.currency, a.age, a.customers, sum(m.customers) as retained, sum(m.change) as mrr
    from ages a join moved m on m.cohort = a.cohort and m.currency = a.currency and m.month <= a.month
    group by 1, 2, 3, 4
)
select to_char(cohort, 'YYYY-MM') as cohort, currency, age::text as age, customers::text as customers,
    retained::text as retained, round(100.0 * retained / customers, 1)::text || ' %%' as share, mrr,
    coalesce(round(100 * mrr / nullif(first_value(mrr) over (partition by cohort, currency order by age), 0), 1)::text
        || ' %%', 'n/a') as of_mrr
from counted
order by counted.currency, counted.cohort, counted.age
