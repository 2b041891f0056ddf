"""Does every object have every field of the contract, and no other?"""

from types import ModuleType
from typing import Any

import pytest

#: Shown only when they are expanded.
INCLUDABLE = {
    "customer": {"cash_balance", "invoice_credit_balance", "sources", "subscriptions", "tax", "tax_ids"},
    "price": {"currency_options", "tiers"},
}
ADDRESS = {"address[city]": "Bern", "address[country]": "CH"}
RECURRING = {"recurring[interval]": "month", "currency": "eur"}
METER = {
    "display_name": "Tokens",
    "event_name": "tokens",
    "default_aggregation[formula]": "sum",
    "value_settings[event_payload_key]": "tokens",
}
NOUNS = [
    ("/v1/customers", {}),
    (
        "/v1/customers",
        {
            **ADDRESS,
            "shipping[name]": "Ann",
            "shipping[address][line1]": "Street 1",
            "tax_exempt": "reverse",
            "preferred_locales[]": "de",
            "invoice_settings[footer]": "Thanks",
            "balance": "-500",
            "phone": "1",
            "invoice_settings[custom_fields][0][name]": "PO",
            "invoice_settings[custom_fields][0][value]": "7",
            "invoice_settings[rendering_options][amount_tax_display]": "exclude_tax",
            "business_name": "A Ltd",
        },
    ),
    ("/v1/products", {"name": "Gold"}),
    (
        "/v1/products",
        {
            "name": "Gold",
            "package_dimensions[height]": "1.5",
            "package_dimensions[length]": "2",
            "package_dimensions[weight]": "3",
            "package_dimensions[width]": "4",
            "shippable": "true",
            "type": "good",
            "marketing_features[0][name]": "Fast",
            "images[]": "https://x/y.png",
            "tax_details[tax_code]": "txcd_1",
        },
    ),
    ("/v1/prices", {"product_data[name]": "Gold", "currency": "usd", "unit_amount": "5"}),
    (
        "/v1/prices",
        {
            "product_data[name]": "Gold",
            **RECURRING,
            "unit_amount_decimal": "0.05",
            "nickname": "n",
            "transform_quantity[divide_by]": "100",
            "transform_quantity[round]": "up",
            "lookup_key": "k",
        },
    ),
    (
        "/v1/prices",
        {
            "product_data[name]": "Gold",
            "currency": "usd",
            "custom_unit_amount[enabled]": "true",
            "custom_unit_amount[minimum]": "100",
        },
    ),
    ("/v1/billing/meters", METER),
    ("/v1/webhook_endpoints", {"url": "https://example.com/hook", "enabled_events[]": "invoice.paid"}),
    ("/v1/test_helpers/test_clocks", {"frozen_time": "1800000000", "name": "Year"}),
]


def lacking(contract: ModuleType, shown: dict[str, Any]) -> list[str]:
    left_out = INCLUDABLE.get(shown["object"], set())
    return [name for name in contract.absent(shown) if name not in left_out]


@pytest.mark.parametrize(("path", "sent"), NOUNS)
def test_a_noun_is_shown_as_the_contract_has_it(
    api: Any, contract: ModuleType, path: str, sent: dict[str, str]
) -> None:
    made = api.post(path, sent)
    assert made.status == 200, made
    assert (contract.problems(made), lacking(contract, made)) == ([], [])
    read = api.get(f"{path}/{made['id']}")
    assert read == {name: value for name, value in made.items() if name != "secret"}
    assert api.get(path)["data"][0] == read


def test_what_can_be_included_is_shown_as_the_contract_has_it(api: Any, contract: ModuleType) -> None:
    made = api.post("/v1/customers", {"balance": "-5"})
    for name in sorted(INCLUDABLE["customer"] - {"subscriptions"}):
        shown = api.get(f"/v1/customers/{made['id']}", {"expand[]": name})
        assert name in shown and contract.problems(shown) == [], name
    options = {"currency_options[chf][unit_amount]": "7", "currency_options[jpy][unit_amount_decimal]": "0.5"}
    price = api.post(
        "/v1/prices",
        {
            "product_data[name]": "Gold",
            "currency": "usd",
            "unit_amount": "5",
            **options,
            "expand[]": "currency_options",
        },
    )
    assert contract.problems(price) == [] and contract.absent(price) == ["tiers"]
    assert price["currency_options"]["chf"]["unit_amount_decimal"] == "7"
    assert price["currency_options"]["jpy"]["unit_amount"] is None


def test_a_card_is_shown_as_the_contract_has_it(api: Any, contract: ModuleType) -> None:
    made = api.post("/v1/payment_methods", {"type": "card", "card[token]": "tok_visa"})
    assert contract.problems(made) == []
    types = {"allow_redisplay", "billing_details", "card", "created", "customer", "customer_account", "id"}
    assert set(made) == types | {"livemode", "metadata", "object", "radar_options", "type"}


def test_events_are_shown_as_the_contract_has_them(api: Any, contract: ModuleType) -> None:
    made = api.post("/v1/customers", {"name": "Ann"}, Idempotency_Key="k")
    api.post(f"/v1/customers/{made['id']}", {"name": "Bob"})
    updated, created = api.get("/v1/events")["data"]
    for event in (updated, created):
        assert contract.problems(event) == []
        assert contract.absent(event) == ["account", "context"]
    assert created["data"] == {"object": made}
    assert created["request"] == {"id": made.headers["Request-Id"], "idempotency_key": "k"}
    assert updated["data"]["previous_attributes"] == {"name": "Ann"}
    assert updated["data"]["object"]["name"] == "Bob"
    assert created["pending_webhooks"] == 0 and created["api_version"] == "2026-10-28.endive"


def test_the_official_client_creates_and_reads_every_noun(sdk: Any) -> None:
    customer = sdk.v1.customers.create({"name": "Ann", "metadata": {"a": "1"}})
    product = sdk.v1.products.create({"name": "Gold"})
    price = sdk.v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "billing_scheme": "tiered",
            "tiers_mode": "volume",
            "tiers": [{"up_to": 5, "unit_amount": 7}, {"up_to": "inf", "flat_amount": 100}],
            "recurring": {"interval": "month"},
            "expand": ["tiers", "product"],
        }
    )
    assert price.tiers[0].up_to == 5 and price.product.name == "Gold"
    method = sdk.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    assert sdk.v1.customers.payment_methods.list(customer.id).data[0].id == method.id
    assert sdk.v1.customers.delete(customer.id).deleted is True
    endpoint = sdk.v1.webhook_endpoints.create({"url": "https://x.ch/a", "enabled_events": ["*"]})
    assert endpoint.secret.startswith("whsec_")
    assert getattr(sdk.v1.webhook_endpoints.retrieve(endpoint.id), "secret", None) is None
    assert len(sdk.v1.events.list({"type": "product.*"}).data) == 1
