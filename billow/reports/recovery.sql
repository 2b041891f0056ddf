-- Of the automatic payments that failed, what was recovered, by which means, by month of the first failure and currency?
-- By the customer: paid by themselves, on a page. By a new method: charged without them, and another method than the one
-- that failed first. By a retry: that same method. Out of band: marked as paid. The amounts are those that were due.
with first as (
    select distinct on (invoice) invoice, created, payment_method
    from payment_failures
    order by invoice, number
), failed as (
    select f.invoice, date_trunc('month', f.created at time zone (select seller_zone()))::date as month, i.currency,
           i.amount_due as amount, i.status, i.amount_paid_off_stripe > 0 as out_of_band, f.payment_method as failing
    from first f join invoices i on i.id = f.invoice
    where f.created >= %(from)s and f.created < %(to)s
), paid as (
    select distinct on (a.invoice) a.invoice, a.payment_method, a.automatic or a.off_session as alone
    from attempts a join failed f on f.invoice = a.invoice
    where a.state = 'succeeded' and a.kind = 'charge'
    order by a.invoice, a.created desc, a.id desc
), told as (
    select f.month, f.currency, f.amount,
           case when f.status <> 'paid' then f.status
                when f.out_of_band then 'out of band'
                when p.invoice is null then 'other'
                when not p.alone then 'customer'
                when p.payment_method is distinct from f.failing then 'new method'
                else 'retry' end as outcome
    from failed f left join paid p on p.invoice = f.invoice
)
select to_char(month, 'YYYY-MM') as month, currency, count(*)::text as invoices, sum(amount) as failed,
       coalesce(sum(amount) filter (where outcome = 'retry'), 0) as by_retry,
       coalesce(sum(amount) filter (where outcome = 'new method'), 0) as by_new_method,
       coalesce(sum(amount) filter (where outcome = 'customer'), 0) as by_customer,
       coalesce(sum(amount) filter (where outcome = 'out of band'), 0) as out_of_band,
       coalesce(sum(amount) filter (where outcome = 'other'), 0) as otherwise,
       coalesce(sum(amount) filter (where outcome = 'open'), 0) as still_open,
       coalesce(sum(amount) filter (where outcome in ('uncollectible', 'void')), 0) as lost,
       to_char(100 * coalesce(sum(amount) filter (where outcome not in ('open', 'uncollectible', 'void')), 0)
               / greatest(sum(amount), 1), 'FM990.0') || ' %%' as rate
from told
group by month, currency
order by told.month, currency
