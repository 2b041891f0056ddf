-- How an account keeps its books: its chart of accounts, the start of its fiscal year, its numbers at a consultant.
alter table accounts add column books jsonb not null default '{}';
