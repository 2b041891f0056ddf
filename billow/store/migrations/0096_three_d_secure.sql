-- How the holder of a card is asked to authenticate where the bank would not ask, as the options of the intent say.
alter table attempts add column three_d_secure text check (three_d_secure in ('any', 'challenge'));
