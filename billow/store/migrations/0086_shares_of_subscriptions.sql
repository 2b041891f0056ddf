-- The percentages of an invoice that its subscription agrees to share with a platform and a connected account,
-- and whom it is paid to: its total changes as long as it is a draft.
alter table invoices add column shared_percents jsonb;
