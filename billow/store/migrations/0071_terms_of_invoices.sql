-- What an invoice says of shipping, of its papers, and of the payment that is asked for.
alter table invoices
    add column amount_shipping bigint not null default 0,
    add column application_fee_amount bigint,
    add column default_source text,
    add column rendering jsonb not null default '{"amount_tax_display": null, "pdf": {"page_size": "auto"},
        "template": null, "template_version": null}',
    add column shipping_cost jsonb,
    add column shipping_details jsonb,
    add column statement_descriptor text,
    add column transfer_data jsonb;
alter table invoice_lines
    drop constraint invoice_lines_kind_check,
    add constraint invoice_lines_kind_check check (kind in ('licensed', 'metered', 'trial', 'item', 'prepaid', 'shipping'));
