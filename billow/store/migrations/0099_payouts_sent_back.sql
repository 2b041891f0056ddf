-- A payout whose money the bank took back: on its way again until a statement shows it, or the gateway says that it failed.
alter table payouts add column sent_back boolean not null default false;
