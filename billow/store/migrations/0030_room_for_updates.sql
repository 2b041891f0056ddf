-- Soon after they are written, or each month, all rows of a page are changed in a column without an index. Where the page
-- has room for both versions, no index is written again. A full page would leave as much dead space, in another page.
alter table customers set (fillfactor = 50);
alter table subscriptions set (fillfactor = 50);
alter table subscription_items set (fillfactor = 50);
alter table invoice_lines set (fillfactor = 50);
alter table payment_intents set (fillfactor = 50);
alter table invoice_payments set (fillfactor = 50);
alter table attempts set (fillfactor = 50);
