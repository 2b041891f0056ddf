-- What a proration said of the discounts in its amount, for the credit that reverses it.
alter table billing_periods add column discount text;
