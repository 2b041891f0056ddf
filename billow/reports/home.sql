-- What was invoiced and earned from one point in time to another, and what is owed at the end, by currency?
-- Earned is the revenue of the ledger; owed its receivables; overdue what of them is past its due date.
with invoiced as (
    select currency, sum(total)::bigint as amount from invoices
    where finalized_at >= %(from)s and finalized_at < %(to)s and status <> 'void'
    group by currency
), earned as (
    select currency, sum(amount)::bigint as amount from (
        select currency, amount from ledger_transfers
        where credit ^@ 'revenue:' and created >= %(from)s and created < %(to)s
        union all
        select currency, -amount from ledger_transfers
        where debit ^@ 'revenue:' and created >= %(from)s and created < %(to)s
    ) x group by currency
), owed as (
    select currency, sum(amount_due - amount_paid)::bigint as amount,
           coalesce(sum(amount_due - amount_paid) filter (where due_date < %(to)s), 0)::bigint as overdue,
           coalesce(sum(amount_due - amount_paid) filter (where attempt_count > 0), 0)::bigint as failed
    from invoices where status = 'open'
    group by currency
)
select currency, coalesce(i.amount, 0) as invoiced, coalesce(e.amount, 0) as earned, coalesce(o.amount, 0) as owed,
       coalesce(o.overdue, 0) as overdue, coalesce(o.failed, 0) as failed
from invoiced i full join earned e using (currency) full join owed o using (currency)
order by currency
