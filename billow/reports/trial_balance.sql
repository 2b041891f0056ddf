-- What are the debits, the credits and the balance of every account at a point in time?
-- The balances of each currency add up to zero.
select account, currency, debit, credit, debit - credit as balance
from ledger_totals(%(at)s)
order by currency, account
