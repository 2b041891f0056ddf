-- How much revenue is deferred (invoiced and not yet earned) at a point in time, by invoice line?
select customer, invoice, line, currency, -amount as amount
from ledger_open('deferred_revenue', %(at)s)
order by currency, customer, invoice, line
