-- Why a mail was sent without the machine format that the customer wants.
alter table mails add column left_out text;
create index mails_lacking on mails (tenant) where left_out is not null;
