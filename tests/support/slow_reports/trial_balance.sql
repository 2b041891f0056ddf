-- What are the debits, the credits and the balance of every account at a point in time?
-- The balances of each currency add up to zero.
with sides as (
    select debit as account, currency, amount as debit, 0 as credit
    from ledger_transfers
    where created <= %(at)s
    union all
    select credit, currency, 0, amount
    from ledger_transfers
    where created <= %(at)s
)
select account, currency, sum(debit) as debit, sum(credit) as credit,
       sum(debit - credit) as balance
from sides
group by account, currency
order by currency, account
