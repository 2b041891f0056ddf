-- In which coming months will the revenue be earned that is deferred at a point in time, by currency?
-- Months are those of the seller's time zone. The amounts of a currency add up to its deferred revenue. What is late is in the
-- month of that point; credits that were sold and are not paid yet have no month.
with moved as (
    select line, currency, amount from ledger_transfers
    where credit = 'deferred_revenue' and created <= %(at)s
    union all
    select line, currency, -amount from ledger_transfers
    where debit = 'deferred_revenue' and created <= %(at)s
), waiting as (
    select line, currency, sum(amount) as amount from moved group by 1, 2 having sum(amount) <> 0
), dated as (
    select w.currency, w.amount, l.net - l.credited as whole, l.period_start as begins,
        case when l.kind = 'prepaid' then null else coalesce(l.period_end, %(at)s) end as ends,
        greatest(l.period_start,
            date_trunc('month', %(at)s at time zone seller_zone()) at time zone seller_zone()) as since
    from waiting w left join invoice_lines l on l.id = w.line
), spread as (
    -- What a line has left is what its whole has, unless it was credited since: then the rest is spread evenly.
    select currency, amount, ends, since,
        case when exact then whole else amount end as total,
        case when exact then begins else since end as begins
    from dated cross join lateral (
        select begins is not null and ends > since and amount = whole - div(
            whole * floor(extract(epoch from since - begins)),
            greatest(floor(extract(epoch from ends - begins)), 1)) as exact
    ) as known
), monthly as (
    select currency, month, total, begins, ends,
        least((month + interval '1 month') at time zone seller_zone(), ends) as until,
        greatest(month at time zone seller_zone(), since) as start
    from spread cross join lateral generate_series(
        date_trunc('month', since at time zone seller_zone()),
        (ends - interval '1 microsecond') at time zone seller_zone(), interval '1 month') as month
    where ends > since
), earned as (
    select currency, month, case when until >= ends then total else div(
            total * floor(extract(epoch from until - begins)),
            greatest(floor(extract(epoch from ends - begins)), 1)) end
        - div(total * floor(extract(epoch from start - begins)),
            greatest(floor(extract(epoch from ends - begins)), 1)) as amount
    from monthly
    union all
    select currency, case when ends is null then null
        else date_trunc('month', %(at)s at time zone seller_zone()) end, amount
    from spread where ends is null or ends <= since
)
select currency, to_char(month, 'YYYY-MM') as month, sum(amount) as amount
from earned
group by 1, 2
having sum(amount) <> 0
order by 1, 2
