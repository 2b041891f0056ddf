-- Payment methods of all types: what is shown of a card is in `card`, of another type in `details`.
alter table payment_methods drop constraint payment_methods_type_check;
alter table payment_methods alter card drop not null, add details jsonb;
alter table payment_methods add check ((card is not null) = (type = 'card')),
    add check ((details is not null) = (type <> 'card'));
