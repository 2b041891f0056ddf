-- How many of the customers of a month's start were lost in it, and how much of their recurring revenue, by currency?
-- Logo churn is lost customers / customers at the start. Revenue churn is what was lost by them and by those who pay less at the
-- end, / MRR at the start. A customer is lost who pays nothing at the end of the month. Under 30 customers a rate says little.
select to_char(month, 'YYYY-MM') as month, currency, customers::text as customers, lost::text as lost,
    round(100.0 * lost / customers, 1)::text || ' %%' as logo_churn, start, churned, contracted,
    round(100 * (churned + contracted) / start, 1)::text || ' %%' as revenue_churn
from customers_held(%(from)s::timestamptz, %(to)s::timestamptz)
order by currency, month
