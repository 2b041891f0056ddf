-- What can be agreed when a subscription is created, and what its invoices take of it.
alter table subscriptions
    add column application_fee_percent numeric,
    add column billing_cycle_anchor_config jsonb,
    add column default_source text,
    add column invoice_settings jsonb not null default '{"account_tax_ids": null, "custom_fields": null,
        "description": null, "footer": null, "issuer": {"account": null, "type": "self"}}',
    add column on_behalf_of text,
    add column provisional boolean not null default false,
    add column transfer_data jsonb;
alter table invoices
    add column account_tax_ids jsonb,
    add column on_behalf_of text,
    add column payment_settings jsonb not null default '{"default_mandate": null, "payment_method_options": null,
        "payment_method_types": null}';
