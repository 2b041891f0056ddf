-- When a subscription that its customer paused in the billing portal is resumed by itself.
alter table subscriptions add column resumes_at timestamptz;
