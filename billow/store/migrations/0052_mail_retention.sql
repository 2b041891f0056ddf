-- Mails that were sent long ago are deleted, the oldest first.
create index mails_closed on mails (tenant, closed_at) where state in ('sent', 'not_sent');
