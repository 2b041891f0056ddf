-- What was invoiced and earned from one point in time to another, and what is owed and overdue at the end, by currency?
-- Each is a sum of the ledger: invoiced is what invoices added to receivables, less what their voiding took back; earned is
-- revenue. An invoice without a due date was due when it was finalized.
with moved as (
    select debit, credit, event, currency, sum(amount) as amount from ledger_moved(%(from)s, %(to)s) group by 1, 2, 3, 4
), invoiced as (
    select currency, sum(case when debit = 'receivable' then amount else -amount end) as amount from moved
    where (debit = 'receivable' and event = 'invoice.finalized') or (credit = 'receivable' and event = 'invoice.voided')
    group by currency
), earned as (
    select currency, sum(case when credit ^@ 'revenue:' then amount else 0 end)
        - sum(case when debit ^@ 'revenue:' then amount else 0 end) as amount
    from moved where credit ^@ 'revenue:' or debit ^@ 'revenue:'
    group by currency
), owed as (
    select currency, sum(amount) as amount, coalesce(sum(amount) filter (where due < %(to)s), 0) as overdue
    from ledger_open('receivable', %(to)s::timestamptz - interval '1 microsecond')
    group by currency
)
select currency, coalesce(i.amount, 0) as invoiced, coalesce(e.amount, 0) as earned, coalesce(o.amount, 0) as owed,
       coalesce(o.overdue, 0) as overdue
from invoiced i full join earned e using (currency) full join owed o using (currency)
order by currency
