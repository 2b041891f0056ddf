-- How much of what could be collected was collected, by month and currency?
-- Opening and billed, less collected, credited, written off and what else, is the closing balance of receivables. Effectiveness is
-- (opening + billed - closing) / (opening + billed - closing that is not due yet). Months are those of the seller's time zone.
with moved as (
    select t.created, t.event, t.credit as other, t.currency, t.amount, t.invoice from ledger_transfers t
    where t.debit ^@ 'receivable:' and t.created < %(to)s
    union all
    select t.created, t.event, t.debit, t.currency, -t.amount, t.invoice from ledger_transfers t
    where t.credit ^@ 'receivable:' and t.created < %(to)s
), sorted as (
    select date_trunc('month', m.created at time zone z) as month, m.currency, m.amount,
        date_trunc('month', coalesce(i.due_date, i.finalized_at, m.created) at time zone z) as due,
        case when m.event = 'invoice.finalized' then 'billed'
             when m.event = 'invoice.voided'
                and (m.other in ('deferred_revenue', 'unbilled') or m.other ^@ 'revenue:' or m.other ^@ 'tax_payable:')
                then 'billed'
             when m.other ^@ 'clearing:' or m.other in ('bank', 'unapplied_cash') then 'collected'
             when m.other = 'bad_debt' then 'written off'
             when m.event ^@ 'credit_note.' then 'credited'
             else 'otherwise' end as what
    from moved m cross join (select seller_zone() as z) zone left join invoices i on i.id = m.invoice
), grouped as (
    select month, currency, due, what, sum(amount) as amount from sorted group by 1, 2, 3, 4
), monthly as (
    select month, currency, sum(amount) as change,
        coalesce(sum(amount) filter (where what = 'billed'), 0) as billed,
        coalesce(-sum(amount) filter (where what = 'collected'), 0) as collected,
        coalesce(-sum(amount) filter (where what = 'credited'), 0) as credited,
        coalesce(-sum(amount) filter (where what = 'written off'), 0) as written_off,
        coalesce(-sum(amount) filter (where what = 'otherwise'), 0) as otherwise
    from grouped group by 1, 2
), months as (
    select currency, month
    from (select currency, min(month) as first from monthly group by 1) begun cross join lateral generate_series(
        first, date_trunc('month', (%(to)s::timestamptz - interval '1 microsecond') at time zone seller_zone()),
        interval '1 month') as month
), running as (
    select month, currency, coalesce(change, 0) as change, coalesce(billed, 0) as billed,
        coalesce(collected, 0) as collected, coalesce(credited, 0) as credited, coalesce(written_off, 0) as written_off,
        coalesce(otherwise, 0) as otherwise, sum(coalesce(change, 0)) over (partition by currency order by month) as closing,
        (select coalesce(sum(g.amount), 0) from grouped g
         where g.currency = months.currency and g.month <= months.month and g.due > months.month) as not_due
    from months left join monthly using (month, currency)
)
select to_char(month, 'YYYY-MM') as month, currency, closing - change as opening, billed, collected, credited,
    written_off, otherwise, closing, not_due,
    coalesce(round(100 * (billed - change) / nullif(closing - change + billed - not_due, 0), 1)::text || ' %%', 'n/a')
        as effectiveness
from running
where (month + interval '1 month') at time zone seller_zone() > %(from)s
order by currency, month
