-- How did monthly recurring revenue move from month to month: new, reactivation, expansion, contraction and churn, by currency?
-- Licensed prices of active and past due subscriptions whose collection is not paused, normalised to a month, after recurring
-- discounts and without tax; neither usage nor what is charged once. Start and movements are the end exactly. Months are those
-- of the seller's time zone.
with zone as (
    select z, %(from)s at time zone z as since, %(to)s at time zone z as until from (select (select seller_zone()) as z) zone
), daily as (
    select currency, day, kind, change from recurring_days
), months as (
    select month, greatest(month, since) as starts, least(month + interval '1 month', until) as ends
    from zone cross join lateral generate_series(
        date_trunc('month', greatest(since, (select min(day) from daily)::timestamp)),
        until - interval '1 microsecond', interval '1 month') as month
), summed as (
    select m.month, d.currency, m.starts,
        coalesce(sum(change) filter (where day < starts), 0) as start,
        coalesce(sum(change) filter (where day >= starts and kind = 'new'), 0) as new,
        coalesce(sum(change) filter (where day >= starts and kind = 'reactivation'), 0) as reactivation,
        coalesce(sum(change) filter (where day >= starts and kind = 'expansion'), 0) as expansion,
        coalesce(sum(change) filter (where day >= starts and kind = 'contraction'), 0) as contraction,
        coalesce(sum(change) filter (where day >= starts and kind = 'churn'), 0) as churn,
        sum(change) as "end"
    from months m join daily d on d.day < m.ends
    group by 1, 2, 3
)
select to_char(month, 'YYYY-MM') as month, currency, start, new, reactivation, expansion, contraction, churn,
    0 as fx, "end"
from summed
order by currency, month
