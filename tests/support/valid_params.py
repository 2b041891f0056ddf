"""Valid examples of parameters whose declarations do not say what is valid, by path and name."""

import time
from collections.abc import Callable
from typing import Any

from tests.support import valid_invoice_params as valid_invoices
from tests.support import valid_subscription_params as valid_subscriptions
from tests.support.one_of_each import Maker, Sent

DAY = 86400
Key = tuple[str, str]

TIERS = [{"up_to": "5", "unit_amount": "7"}, {"up_to": "inf", "flat_amount": "100"}]
TIERED: Sent = {"billing_scheme": "tiered", "tiers_mode": "volume", "tiers": TIERS}
FUTURE = int(time.time()) + 30 * DAY
CUSTOMER_INVOICE_SETTINGS = {
    "custom_fields": [{"name": "PO", "value": "7"}],
    "footer": "Thanks",
    "rendering_options": {"amount_tax_display": "exclude_tax"},
}
QUOTE_INVOICE_SETTINGS = {
    "custom_fields": [{"name": "PO", "value": "7"}],
    "days_until_due": "14",
    "description": "As agreed",
    "footer": "Thanks",
    "issuer": {"type": "self"},
}
FIRST = {"currency": "chf", "unit_amount": "5", "recurring": {"interval": "year"}}

#: Examples by path and name, where the type of a field does not say what is valid.
VALUES: dict[Key, Any] = {
    **valid_subscriptions.VALUES,
    **valid_invoices.VALUES,
    ("/v1/account", "business_profile"): {"name": "Acme", "support_phone": "+46 8 123"},
    ("/v1/account", "company"): {"name": "Acme AB", "address": {"city": "Stockholm", "country": "SE"}},
    ("/v1/account", "settings"): {"branding": {"primary_color": "#123456"}},
    ("/v1/billing/meters", "customer_mapping"): {"event_payload_key": "who", "type": "by_id"},
    ("/v1/billing/meters", "default_aggregation"): {"formula": "count"},
    ("/v1/charges", "amount"): "450",
    ("/v1/charges", "capture"): "false",
    ("/v1/charges", "customer"): lambda case: case.maker.make("customer")["id"],
    ("/v1/charges", "source"): "tok_mastercard",
    ("/v1/charges/{id}/capture", "amount"): "200",
    ("/v1/coupons", "applies_to"): lambda case: {"products": [case.maker.existing("product")]},
    ("/v1/coupons", "currency_options"): {"chf": {"amount_off": "7"}},
    ("/v1/coupons", "duration_in_months"): "3",
    ("/v1/coupons", "id"): "mine-1",
    ("/v1/coupons/{id}", "currency_options"): {"chf": {"amount_off": "7"}},
    ("/v1/customers", "cash_balance"): {"settings": {"reconciliation_mode": "manual"}},
    ("/v1/customers", "invoice_prefix"): "ABC1",
    ("/v1/customers", "invoice_settings"): CUSTOMER_INVOICE_SETTINGS,
    ("/v1/customers", "payment_method"): "pm_card_mastercard",
    ("/v1/customers", "source"): "tok_mastercard",
    ("/v1/customers", "tax"): {"ip_address": "192.0.2.7"},
    ("/v1/customers", "tax_id_data"): [{"type": "eu_vat", "value": "DE136695976"}],
    ("/v1/customers/{id}", "cash_balance"): {"settings": {"reconciliation_mode": "manual"}},
    ("/v1/customers/{id}/cash_balance", "settings"): {"reconciliation_mode": "manual"},
    ("/v1/customers/{id}/funding_instructions", "bank_transfer"): {
        "type": "eu_bank_transfer",
        "eu_bank_transfer": {"country": "FR"},
    },
    ("/v1/customers/{id}", "default_source"): lambda case: older_source(case),
    ("/v1/customers/{id}", "invoice_prefix"): "ABC1",
    ("/v1/customers/{id}", "invoice_settings"): CUSTOMER_INVOICE_SETTINGS,
    ("/v1/customers/{id}", "source"): "tok_mastercard",
    ("/v1/customers/{id}", "tax"): {"ip_address": "192.0.2.7"},
    **{
        key: value
        for path in ("/v1/customers/{id}/cards", "/v1/customers/{id}/sources")
        for key, value in {
            (path, "source"): "tok_mastercard",
            (f"{path}/{{card}}", "exp_year"): "2031",
        }.items()
    },
    ("/v1/customers/{id}/tax_ids", "type"): "ch_uid",
    ("/v1/customers/{id}/tax_ids", "value"): "DE111111111",
    ("/v1/events/{id}/resend", "webhook_endpoint"): lambda case: case.maker.existing("webhook_endpoint"),
    ("/v1/files", "file"): b"%PDF-1.4 another",
    ("/v1/files", "file_link_data"): {"create": "true", "expires_at": str(FUTURE), "metadata": {"a": "1"}},
    ("/v1/files", "purpose"): "pci_document",
    ("/v1/plans", "id"): "mine-1",
    ("/v1/plans", "interval_count"): "2",
    ("/v1/plans", "tiers"): TIERS,
    ("/v1/prices", "currency_options"): {"chf": {"unit_amount": "7", "tax_behavior": "inclusive"}},
    ("/v1/prices", "custom_unit_amount"): {"enabled": "true", "minimum": "100", "preset": "150"},
    ("/v1/prices", "product_data"): {
        "id": "mine-1",
        "metadata": {"key": "value"},
        "name": "Gold",
        "statement_descriptor": "GOLD",
        "tax_code": "txcd_10000000",
        "unit_label": "seat",
    },
    ("/v1/prices", "recurring"): lambda case: metered_recurring(case.maker),
    ("/v1/prices", "tiers"): TIERS,
    ("/v1/prices", "transfer_lookup_key"): "true",
    ("/v1/prices/{id}", "currency_options"): {"chf": {"unit_amount": "7", "tax_behavior": "inclusive"}},
    ("/v1/prices/{id}", "transfer_lookup_key"): "true",
    ("/v1/products", "default_price_data"): FIRST,
    ("/v1/products", "id"): "mine-1",
    ("/v1/products/{id}", "default_price"): lambda case: case.maker.make("price", product=case.id)["id"],
    ("/v1/promotion_codes", "code"): "MINE-1",
    ("/v1/promotion_codes", "restrictions"): {
        "first_time_transaction": "true",
        "minimum_amount": "500",
        "minimum_amount_currency": "usd",
        "currency_options": {"chf": {"minimum_amount": "7"}},
    },
    ("/v1/quotes", "automatic_tax"): {"enabled": "false"},
    ("/v1/quotes", "discounts"): lambda case: [{"coupon": case.maker.existing("coupon")}],
    ("/v1/quotes", "from_quote"): lambda case: {"quote": finalized_quote(case.maker), "is_revision": "true"},
    ("/v1/quotes", "invoice_settings"): QUOTE_INVOICE_SETTINGS,
    ("/v1/quotes", "line_items"): lambda case: quote_lines(case.maker),
    ("/v1/quotes", "transfer_data"): lambda case: {
        "amount_percent": "12.5",
        "destination": case.maker.existing("account"),
    },
    ("/v1/quotes/{id}", "automatic_tax"): {"enabled": "false"},
    ("/v1/quotes/{id}", "discounts"): lambda case: [{"coupon": case.maker.existing("coupon")}],
    ("/v1/quotes/{id}", "invoice_settings"): QUOTE_INVOICE_SETTINGS,
    ("/v1/quotes/{id}", "line_items"): lambda case: quote_lines(case.maker),
    ("/v1/quotes/{id}", "transfer_data"): lambda case: {
        "amount_percent": "12.5",
        "destination": case.maker.existing("account"),
    },
    ("/v1/refunds", "charge"): lambda case: case.maker.make("charge")["id"],
    ("/v1/refunds", "payment_intent"): lambda case: paid_intent(case.maker),
    ("/v1/shipping_rates", "delivery_estimate"): {
        "maximum": {"unit": "week", "value": "2"},
        "minimum": {"unit": "day", "value": "1"},
    },
    ("/v1/shipping_rates", "fixed_amount"): {
        "amount": "9",
        "currency": "chf",
        "currency_options": {"eur": {"amount": "8", "tax_behavior": "inclusive"}},
    },
    ("/v1/tax_ids", "owner"): lambda case: {"type": "customer", "customer": case.maker.existing("customer")},
    ("/v1/tax_ids", "type"): "ch_uid",
    ("/v1/tax_ids", "value"): "DE111111111",
    ("/v1/tax_rates", "country"): "CH",
    ("/v1/tax_rates", "inclusive"): "true",
    ("/v1/tax_rates/{id}", "country"): "CH",
    ("/v1/test_helpers/test_clocks/{id}/advance", "frozen_time"): str(1767225600 + DAY),
    ("/v1/webhook_endpoints", "enabled_events"): ["invoice.paid", "charge.failed"],
    ("/v1/webhook_endpoints", "url"): "https://b.example/hook",
    ("/v1/webhook_endpoints/{id}", "enabled_events"): ["invoice.paid", "charge.failed"],
    ("/v1/webhook_endpoints/{id}", "url"): "https://b.example/hook",
    ("/v2/core/event_destinations", "enabled_events"): ["invoice.paid"],
    ("/v2/core/event_destinations", "event_payload"): "snapshot",
    ("/v2/core/event_destinations", "events_from"): ["@accounts"],
    ("/v2/core/event_destinations", "webhook_endpoint"): {"url": "https://b.example/hook"},
    ("/v2/core/event_destinations/{id}", "enabled_events"): ["invoice.paid"],
    ("/v2/core/event_destinations/{id}", "webhook_endpoint"): {"url": "https://b.example/hook"},
}
#: What else is sent with a parameter; None removes a param of the recipe.
WITH: dict[Key, dict[str, Any]] = {
    **valid_subscriptions.WITH,
    **valid_invoices.WITH,
    ("/v1/charges", "source"): {"customer": None},
    ("/v1/coupons", "amount_off"): {"percent_off": None, "currency": "usd"},
    ("/v1/coupons", "currency"): {"percent_off": None, "amount_off": "5"},
    ("/v1/coupons", "currency_options"): {"percent_off": None, "amount_off": "5", "currency": "usd"},
    ("/v1/coupons", "duration"): {"duration_in_months": "3"},
    ("/v1/coupons", "duration_in_months"): {"duration": "repeating"},
    ("/v1/customers", "payment_method"): {"invoice_settings": None},
    ("/v1/customers/{id}/tax_ids", "type"): {"value": "DE000000000"},
    ("/v1/plans", "amount_decimal"): {"amount": None},
    ("/v1/plans", "billing_scheme"): {**TIERED, "amount": None},
    ("/v1/plans", "meter"): {"usage_type": "metered"},
    ("/v1/plans", "tiers"): {**TIERED, "amount": None},
    ("/v1/plans", "tiers_mode"): {**TIERED, "amount": None},
    ("/v1/plans", "usage_type"): {"meter": "{billing.meter}"},
    ("/v1/prices", "billing_scheme"): {**TIERED, "unit_amount": None},
    ("/v1/prices", "custom_unit_amount"): {"unit_amount": None, "recurring": None},
    ("/v1/prices", "product_data"): {"product": None},
    ("/v1/prices", "tiers"): {**TIERED, "unit_amount": None},
    ("/v1/prices", "tiers_mode"): {**TIERED, "unit_amount": None},
    ("/v1/prices", "unit_amount_decimal"): {"unit_amount": None},
    ("/v1/quotes", "application_fee_amount"): {"line_items": None},
    ("/v1/quotes", "from_quote"): {"customer": None, "line_items": None},
    ("/v1/quotes", "invoice_settings"): {"collection_method": "send_invoice"},
    ("/v1/quotes", "test_clock"): {"customer": None},
    ("/v1/quotes/{id}", "invoice_settings"): {"collection_method": "send_invoice"},
    ("/v1/refunds", "payment_intent"): {"charge": None},
    ("/v1/tax_ids", "type"): {"value": "DE000000000"},
    ("/v2/core/event_destinations", "snapshot_api_version"): {"event_payload": "snapshot"},
    ("/v2/core/event_destinations", "webhook_endpoint"): {"include": ["webhook_endpoint.url"]},
    ("/v2/core/event_destinations/{id}", "webhook_endpoint"): {"include": ["webhook_endpoint.url"]},
}
#: How the object of an update is created, where the recipe is not enough.
MADE_WITH: dict[Key, dict[str, Any]] = {
    **valid_subscriptions.MADE_WITH,
    **valid_invoices.MADE_WITH,
    ("/v1/charges/{id}", "customer"): {"customer": None, "source": "tok_visa"},
    ("/v1/coupons/{id}", "currency_options"): {"percent_off": None, "amount_off": "5", "currency": "usd"},
    ("/v1/prices/{id}", "transfer_lookup_key"): {"lookup_key": "first"},
    ("/v1/quotes/{id}", "application_fee_amount"): {"line_items": None},
    ("/v1/quotes/{id}", "customer"): {"customer": None},
    ("/v1/promotion_codes/{id}", "restrictions"): {
        "restrictions": {"minimum_amount": "5", "minimum_amount_currency": "usd"}
    },
}


def metered_recurring(maker: Maker) -> Sent:
    """`recurring` of a metered price."""
    meter = maker.existing("billing.meter")
    return {"interval": "year", "interval_count": "2", "usage_type": "metered", "meter": meter}


def older_source(case: Any) -> str:
    """Add two cards as sources; return the first, since the second is the default."""
    first = case.maker.request(case.path, {"source": "tok_mastercard"})["default_source"]
    case.maker.request(case.path, {"source": "tok_visa"})
    return str(first)


def quote_lines(maker: Maker) -> list[Sent]:
    """A line of each kind, with every parameter."""
    own = {"discounts": [{"coupon": maker.existing("coupon")}], "tax_rates": [maker.existing("tax_rate")]}
    data = {"currency": "usd", "product": maker.existing("product"), "unit_amount": "300"}
    made = {**data, "recurring": {"interval": "year", "interval_count": "2"}, "tax_behavior": "inclusive"}
    return [
        {"price": maker.make("price", recurring=None)["id"], "quantity": "3", **own},
        {"price_data": made},
    ]


def finalized_quote(maker: Maker) -> str:
    quote = str(maker.make("quote")["id"])
    maker.request(f"/v1/quotes/{quote}/finalize", {})
    return quote


def paid_intent(maker: Maker) -> str:
    customer = maker.existing("customer")
    card = maker.api.get(f"/v1/customers/{customer}/payment_methods")["data"][0]["id"]
    pays = {"customer": customer, "payment_method": card, "confirm": "true"}
    return str(maker.make("payment_intent", **pays)["id"])


def existing_source(maker: Maker) -> str:
    path = f"/v1/customers/{maker.make('customer')['id']}/sources"
    return f"{path}/{maker.request(path, {'source': 'tok_visa'})['id']}"


#: Operations that neither create nor update at a noun's own path: their paths and required params.
ELSEWHERE: dict[str, Callable[[Maker], tuple[str, Sent]]] = {
    **valid_subscriptions.ELSEWHERE,
    **valid_invoices.ELSEWHERE,
    "/v1/account": lambda maker: ("/v1/account", {}),
    "/v1/charges/{id}/capture": lambda maker: (
        f"/v1/charges/{maker.make('charge', capture='false')['id']}/capture",
        {},
    ),
    "/v1/customers/{id}/balance_transactions": lambda maker: (
        f"/v1/customers/{maker.make('customer')['id']}/balance_transactions",
        {"amount": "-1000", "currency": "usd"},
    ),
    "/v1/customers/{id}/balance_transactions/{transaction}": lambda maker: (
        "/v1/customers/{customer}/balance_transactions/{new customer_balance_transaction}",
        {},
    ),
    "/v1/customers/{id}/cash_balance": lambda maker: ("/v1/customers/{new customer}/cash_balance", {}),
    "/v1/customers/{id}/funding_instructions": lambda maker: (
        "/v1/customers/{new customer}/funding_instructions",
        {"bank_transfer[type]": "eu_bank_transfer", "currency": "eur", "funding_type": "bank_transfer"},
    ),
    **{
        path: lambda maker, tail=path.rsplit("/", 1)[-1]: (
            f"/v1/customers/{maker.make('customer')['id']}/{tail}",
            {"source": "tok_visa"},
        )
        for path in ("/v1/customers/{id}/cards", "/v1/customers/{id}/sources")
    },
    **{
        f"{path}/{{card}}": lambda maker: (existing_source(maker), {})
        for path in ("/v1/customers/{id}/cards", "/v1/customers/{id}/sources")
    },
    "/v1/customers/{id}/tax_ids": lambda maker: (
        "/v1/customers/{new customer}/tax_ids",
        {"type": "eu_vat", "value": "DE136695976"},
    ),
    "/v1/events/{id}/resend": lambda maker: (f"/v1/events/{newest_event(maker)}/resend", {}),
    "/v1/products/{id}/features": lambda maker: ("/v1/products/{new product}/features", {}),
    "/v1/quotes/{id}/finalize": lambda maker: ("/v1/quotes/{new quote}/finalize", {}),
    "/v1/test_helpers/test_clocks/{id}/advance": lambda maker: (
        "/v1/test_helpers/test_clocks/{new test_helpers.test_clock}/advance",
        {},
    ),
    "/v1/webhook_endpoints/{id}/rotate_secret": lambda maker: (
        "/v1/webhook_endpoints/{new webhook_endpoint}/rotate_secret",
        {},
    ),
    "/v2/core/event_destinations": lambda maker: maker.recipe("v2.core.event_destination"),
    "/v2/core/event_destinations/{id}": lambda maker: (
        "/v2/core/event_destinations/{new v2.core.event_destination}",
        {},
    ),
}


def newest_event(maker: Maker) -> str:
    maker.make("product")
    return str(maker.api.get("/v1/events")["data"][0]["id"])
