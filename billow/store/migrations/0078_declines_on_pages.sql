-- How many cards were declined lately on the pages of a customer: {"count": 3, "since": 1780000000}.
alter table customers add column page_declines jsonb;
