-- Why the mail with an invoice could not be sent, where it has no address that a mail can go to.
alter table invoices add column mail_error text;
