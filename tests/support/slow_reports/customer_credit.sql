-- Which customers have credit on their balance at a point in time, and how much?
-- A negative amount is what a customer owes on the balance.
with moved as (
    select substr(credit, 18) as customer, currency, amount from ledger_transfers
    where credit ^@ 'customer_balance:' and created <= %(at)s
    union all
    select substr(debit, 18), currency, -amount from ledger_transfers
    where debit ^@ 'customer_balance:' and created <= %(at)s
)
select m.customer, c.name, m.currency, sum(m.amount) as credit
from moved m left join customers c on c.id = m.customer
group by m.customer, c.name, m.currency
having sum(m.amount) <> 0
order by m.currency, m.customer
