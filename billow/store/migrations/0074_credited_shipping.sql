-- What credit notes take back of the cost of shipping.
alter table credit_notes
    add column amount_shipping bigint not null default 0,
    add column shipping_cost jsonb;
alter table credit_note_lines
    add column shipping boolean not null default false;
