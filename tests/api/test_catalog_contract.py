"""Do the objects of the catalog have every field of the contract, and does the official client read them?"""

from types import ModuleType
from typing import Any

import pytest

#: Shown only when they are expanded.
INCLUDABLE = {"coupon": {"applies_to", "currency_options"}, "plan": {"tiers"}}
FIXED = {"display_name": "Post", "fixed_amount[amount]": "500", "fixed_amount[currency]": "eur"}
PLAN = {"currency": "usd", "interval": "month", "product[name]": "Gold"}
NOUNS = [
    ("/v1/coupons", {"percent_off": "12.5"}),
    (
        "/v1/coupons",
        {"amount_off": "500", "currency": "usd", "duration": "repeating", "duration_in_months": "3"},
    ),
    ("/v1/tax_rates", {"display_name": "VAT", "percentage": "7.7", "inclusive": "false"}),
    (
        "/v1/tax_rates",
        {
            "display_name": "Sales tax",
            "percentage": "8.8750",
            "inclusive": "true",
            "country": "US",
            "state": "NY",
            "jurisdiction": "New York",
            "description": "City and state",
            "tax_type": "sales_tax",
            "active": "false",
        },
    ),
    ("/v1/shipping_rates", FIXED),
    (
        "/v1/shipping_rates",
        {
            **FIXED,
            "delivery_estimate[minimum][unit]": "day",
            "delivery_estimate[minimum][value]": "1",
            "delivery_estimate[maximum][unit]": "week",
            "delivery_estimate[maximum][value]": "1",
            "fixed_amount[currency_options][usd][amount]": "600",
            "tax_code": "txcd_92010001",
            "tax_behavior": "inclusive",
        },
    ),
    ("/v1/entitlements/features", {"name": "Export", "lookup_key": "export"}),
    ("/v1/plans", {**PLAN, "amount": "500"}),
    (
        "/v1/plans",
        {
            **PLAN,
            "billing_scheme": "tiered",
            "tiers_mode": "volume",
            "tiers[0][up_to]": "5",
            "tiers[0][unit_amount]": "7",
            "tiers[1][up_to]": "inf",
            "tiers[1][flat_amount]": "9",
        },
    ),
]


def lacking(contract: ModuleType, shown: dict[str, Any]) -> list[str]:
    left_out = INCLUDABLE.get(shown["object"], set())
    return [name for name in contract.absent(shown) if name not in {*left_out, "deleted"}]


@pytest.mark.parametrize(("path", "sent"), NOUNS)
def test_a_noun_is_shown_as_the_contract_has_it(
    api: Any, contract: ModuleType, path: str, sent: dict[str, str]
) -> None:
    made = api.post(path, sent)
    assert made.status == 200, made
    assert (contract.problems(made), lacking(contract, made)) == ([], [])
    assert api.get(f"{path}/{made['id']}") == made
    assert api.get(path)["data"] == [made]
    again = api.post(f"{path}/{made['id']}", {"metadata[a]": "1"})
    assert again == {**made, "metadata": {"a": "1"}}


def test_what_is_expanded_is_shown_as_the_contract_has_it(api: Any, contract: ModuleType) -> None:
    product = api.post("/v1/products", {"name": "Gold"})["id"]
    coupon = api.post(
        "/v1/coupons",
        {
            "amount_off": "5",
            "currency": "usd",
            "currency_options[eur][amount_off]": "4",
            "applies_to[products][]": product,
        },
    )
    shown = api.get(f"/v1/coupons/{coupon['id']}", {"expand[]": ["applies_to", "currency_options"]})
    assert contract.problems(shown) == []
    assert shown["applies_to"] == {"products": [product]}
    assert shown["currency_options"] == {"eur": {"amount_off": 4}}
    assert "applies_to" not in coupon and "currency_options" not in coupon
    plan = api.post("/v1/plans", {**NOUNS[-1][1], "expand[]": ["tiers", "product"]})
    assert contract.problems(plan) == [] and plan["product"]["name"] == "Gold"
    assert [tier["up_to"] for tier in plan["tiers"]] == [5, None]
    rate = api.post("/v1/shipping_rates", {**FIXED, "tax_code": "txcd_92010001", "expand[]": "tax_code"})
    assert contract.problems(rate) == [] and rate["tax_code"]["name"] == "Shipping"


def test_promotion_codes_are_shown_as_the_contract_has_them(api: Any, contract: ModuleType) -> None:
    coupon = api.post("/v1/coupons", {"percent_off": "10"})["id"]
    customer = api.post("/v1/customers")["id"]
    base = {"promotion[type]": "coupon", "promotion[coupon]": coupon}
    for more in (
        {},
        {
            "customer": customer,
            "max_redemptions": "5",
            "restrictions[first_time_transaction]": "true",
            "restrictions[minimum_amount]": "1000",
            "restrictions[minimum_amount_currency]": "usd",
            "restrictions[currency_options][eur][minimum_amount]": "900",
        },
    ):
        made = api.post("/v1/promotion_codes", {**base, **more})
        assert (made.status, contract.problems(made), contract.absent(made)) == (200, [], []), made
        path = f"/v1/promotion_codes/{made['id']}"
        assert api.get(path) == made == api.get("/v1/promotion_codes")["data"][0]
        shown = api.get(path, {"expand[]": ["promotion.coupon", "customer", "restrictions.currency_options"]})
        assert contract.problems(shown) == [] and shown["promotion"]["coupon"]["percent_off"] == 10


def test_tax_codes_are_shown_as_the_contract_has_them(api: Any, contract: ModuleType) -> None:
    listed = api.get("/v1/tax_codes", {"limit": "100"})["data"]
    assert len(listed) >= 40 and len({code["name"] for code in listed}) == len(listed)
    for code in listed:
        assert (contract.problems(code), contract.absent(code)) == ([], []), code
        assert code["id"].startswith("txcd_") and len(code["id"]) == 13 and code["id"][5:].isdecimal()
    assert listed == sorted(listed, key=lambda code: str(code["id"]))
    assert api.get(f"/v1/tax_codes/{listed[3]['id']}") == listed[3]
    page = api.get("/v1/tax_codes", {"limit": "2", "starting_after": listed[3]["id"]})
    assert (page["data"], page["has_more"]) == (listed[4:6], True)
    assert api.get("/v1/tax_codes/txcd_1").status == 404
    assert api.post("/v1/tax_codes", {"name": "x"}).status == 404


def test_the_official_client_speaks_the_catalog(sdk: Any) -> None:
    coupon = sdk.v1.coupons.create({"percent_off": 25.5, "duration": "forever", "name": "Quarter"})
    assert float(coupon.percent_off) == 25.5 and coupon.valid
    assert sdk.v1.coupons.update(coupon.id, {"name": "More"}).name == "More"
    code = sdk.v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "HALF"}
    )
    assert sdk.v1.promotion_codes.list({"code": "half"}).data[0].id == code.id
    assert sdk.v1.promotion_codes.update(code.id, {"active": False}).active is False
    rate = sdk.v1.tax_rates.create({"display_name": "VAT", "percentage": 8.1, "inclusive": False})
    assert sdk.v1.tax_rates.update(rate.id, {"active": False}).active is False
    shipping = sdk.v1.shipping_rates.create(
        {"display_name": "Post", "fixed_amount": {"amount": 5, "currency": "usd"}}
    )
    assert sdk.v1.shipping_rates.retrieve(shipping.id).fixed_amount.amount == 5
    feature = sdk.v1.entitlements.features.create({"name": "Export", "lookup_key": "export"})
    product = sdk.v1.products.create({"name": "Gold"})
    attached = sdk.v1.products.features.create(product.id, {"entitlement_feature": feature.id})
    assert attached.entitlement_feature.lookup_key == "export"
    assert sdk.v1.products.features.retrieve(product.id, attached.id).id == attached.id
    assert sdk.v1.products.features.list(product.id).data[0].id == attached.id
    assert sdk.v1.products.features.delete(product.id, attached.id).deleted is True
    plan = sdk.v1.plans.create(
        {"id": "gold", "currency": "usd", "interval": "month", "amount": 5, "product": product.id}
    )
    assert sdk.v1.prices.retrieve("gold").unit_amount == 5 and plan.product == product.id
    assert sdk.v1.plans.update("gold", {"nickname": "G"}).nickname == "G"
    assert sdk.v1.plans.delete("gold").deleted is True
    assert sdk.v1.coupons.delete(coupon.id).deleted is True
    assert sdk.v1.tax_codes.list({"limit": 3}).data[0].id == "txcd_00000000"
