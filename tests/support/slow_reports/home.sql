-- What was invoiced and earned from one point in time to another, and what is owed and overdue at the end, by currency?
-- Each is a sum of the ledger: invoiced is what invoices added to receivables, less what their voiding took back; earned is
-- revenue. An invoice without a due date was due when it was finalized.
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
), by_invoice as (
    select invoice, currency, sum(amount) as amount from (
        select invoice, currency, amount from ledger_transfers where debit ^@ 'receivable:' and created < %(to)s
        union all
        select invoice, currency, -amount from ledger_transfers where credit ^@ 'receivable:' and created < %(to)s
    ) moved group by invoice, currency having sum(amount) <> 0
), owed as (
    select b.currency, sum(b.amount) as amount,
           coalesce(sum(b.amount) filter (where coalesce(i.due_date, i.finalized_at) < %(to)s), 0) as overdue
    from by_invoice b left join invoices i on i.id = b.invoice
    group by b.currency
)
select currency, coalesce(i.amount, 0) as invoiced, coalesce(e.amount, 0) as earned, coalesce(o.amount, 0) as owed,
       coalesce(o.overdue, 0) as overdue
from invoiced i full join earned e using (currency) full join owed o using (currency)
order by currency
