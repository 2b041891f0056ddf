-- What was invoiced from one point in time to another, by currency?
-- It is what invoices added to receivables, less what their voiding took back.
select currency, sum(case when debit = 'receivable' then amount else -amount end) as invoiced
from ledger_moved(%(from)s, %(to)s)
where (debit = 'receivable' and event = 'invoice.finalized') or (credit = 'receivable' and event = 'invoice.voided')
group by currency
order by currency
