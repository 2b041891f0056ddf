-- What programs say of the browser for Stripe's fraud checks: kept and shown, without an effect here.
alter table payment_methods add column radar_options jsonb;
alter table payment_intents add column radar_options jsonb;
alter table charges add column radar_options jsonb;
