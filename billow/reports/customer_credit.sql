-- Which customers have credit on their balance at a point in time, and how much?
-- A negative amount is what a customer owes on the balance.
with moved as (
    select substr(account, 18) as customer, currency, credit - debit as amount from ledger_totals(%(at)s)
    where account ^@ 'customer_balance:'
)
select m.customer, c.name, m.currency, sum(m.amount) as credit
from moved m left join customers c on c.id = m.customer
group by m.customer, c.name, m.currency
having sum(m.amount) <> 0
order by m.currency, m.customer
