-- How much of the recurring revenue of a month's start is there at its end, with growth (NRR) and without (GRR), by currency?
-- Of the customers who paid at the start: NRR is their MRR at the end / at the start, GRR counts none with more than at the start.
-- So NRR is (start + expansion - contraction - churn) / start, GRR is (start - contraction - churn) / start.
select to_char(month, 'YYYY-MM') as month, currency, customers::text as customers, start, expanded as expansion,
    contracted as contraction, churned as churn, start + expanded - contracted - churned as "end",
    round(100 * (start + expanded - contracted - churned) / start, 1)::text || ' %%' as nrr,
    round(100 * (start - contracted - churned) / start, 1)::text || ' %%' as grr
from customers_held(%(from)s::timestamptz, %(to)s::timestamptz)
order by currency, month
