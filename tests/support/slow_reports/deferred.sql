-- How much revenue is deferred (invoiced and not yet earned) at a point in time, by invoice line?
with waiting as (
    select customer, invoice, line, currency, amount
    from ledger_transfers
    where credit = 'deferred_revenue' and created <= %(at)s
    union all
    select customer, invoice, line, currency, -amount
    from ledger_transfers
    where debit = 'deferred_revenue' and created <= %(at)s
)
select customer, invoice, line, currency, sum(amount) as amount
from waiting
group by customer, invoice, line, currency
having sum(amount) <> 0
order by currency, customer, invoice, line
