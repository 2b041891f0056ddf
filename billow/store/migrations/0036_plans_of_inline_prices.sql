-- A price that was created within another request is shown as a plan, too, where an older version names it.
create or replace view plans with (security_invoker = true) as
select tenant, id, created, active, unit_amount as amount, unit_amount_decimal as amount_decimal, billing_scheme, currency,
    recurring->>'interval' as interval, (recurring->>'interval_count')::bigint as interval_count, metadata,
    recurring->>'meter' as meter, nickname, product, tiers, tiers_mode, transform_quantity as transform_usage,
    (recurring->>'trial_period_days')::bigint as trial_period_days, recurring->>'usage_type' as usage_type, inline
from prices where type = 'recurring';
