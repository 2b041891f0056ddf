-- Automatic tax says of a customer without an address that the location is not known.
alter table customers alter column tax set default
    '{"automatic_tax": "unrecognized_location", "ip_address": null, "location": null, "provider": "stripe"}';
alter table customers no force row level security;
update customers set tax = tax || '{"automatic_tax": "unrecognized_location"}'
    where tax -> 'location' = 'null' and tax ->> 'automatic_tax' = 'not_collecting';
alter table customers force row level security;
