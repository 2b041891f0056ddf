-- Whether a customer wants the method of a payment to be used from now on, once it has paid.
alter table attempts add column keep boolean not null default false;
