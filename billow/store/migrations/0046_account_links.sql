-- The address at which the holder of a connected account says what is missing; the last one that was made.
alter table connected_accounts add column link jsonb;
