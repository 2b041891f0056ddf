-- What was invoiced and earned from one point in time to another, and what is owed and overdue of invoices that are open, by currency?
-- Invoiced is what invoices added to receivables in the ledger, less what their voiding took back; earned is revenue. Owed is what
-- is open on invoices now, to which `billow check` holds the receivables of the ledger. An invoice without a due date was due when
-- it was finalized.
with invoiced as (
    select currency, sum(amount) as amount from (
        select currency, amount from ledger_transfers
        where debit ^@ 'receivable:' and event = 'invoice.finalized' and created >= %(from)s and created < %(to)s
        union all
        select currency, -amount from ledger_transfers
        where credit ^@ 'receivable:' and event = 'invoice.voided' and created >= %(from)s and created < %(to)s
    ) moved group by currency
), earned as (
    select currency, sum(amount) as amount from (
        select currency, amount from ledger_transfers
        where credit ^@ 'revenue:' and created >= %(from)s and created < %(to)s
        union all
        select currency, -amount from ledger_transfers
        where debit ^@ 'revenue:' and created >= %(from)s and created < %(to)s
    ) moved group by currency
), owed as (
    select currency, sum(amount_due - amount_paid) as amount,
           coalesce(sum(amount_due - amount_paid) filter (where coalesce(due_date, finalized_at) < %(to)s), 0) as overdue
    from invoices
    where status = 'open'
    group by currency
    having sum(amount_due - amount_paid) <> 0
)
select currency, coalesce(i.amount, 0) as invoiced, coalesce(e.amount, 0) as earned, coalesce(o.amount, 0) as owed,
       coalesce(o.overdue, 0) as overdue
from invoiced i full join earned e using (currency) full join owed o using (currency)
order by currency
