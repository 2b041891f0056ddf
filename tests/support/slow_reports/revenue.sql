-- How much revenue was earned between two points in time, by month, product and currency?
-- Months are those of the seller's time zone, in which it is earned.
-- Later reductions by credit notes are in the account revenue_adjustments and are not included.
with earned as (
    select created, substr(credit, 9) as product, currency, amount
    from ledger_transfers
    where credit ^@ 'revenue:' and created >= %(from)s and created < %(to)s
    union all
    select created, substr(debit, 9), currency, -amount
    from ledger_transfers
    where debit ^@ 'revenue:' and created >= %(from)s and created < %(to)s
)
select to_char(created at time zone seller_zone(), 'YYYY-MM') as month, product, currency, sum(amount)::bigint as amount
from earned
group by month, product, currency
order by month, currency, product
