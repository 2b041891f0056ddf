"""Is an older request that makes no sense refused by the name of the param that was sent, and never a 500?"""

from typing import Any

import pytest

from tests.api.versions.test_older_versions import ACACIA, FLOOR, Client, world
from tests.conftest import Api

__all__ = ["world"]
PHASE, ITERATIONS = {"phases[0][items][0][price]": "PRICE"}, "phases[0][iterations]"
INTERVAL = "phases[0][items][0][price_data][recurring]"

#: The path, what is sent, the param that the refusal names, and a part of its message.
REFUSED: list[tuple[str, dict[str, str], str, str]] = [
    ("subscriptions", {"coupon": "COUPON", "promotion_code": "promo_x"}, "coupon", "coupon, promotion_code."),
    ("subscriptions", {"coupon": "COUPON", "discounts[0][coupon]": "COUPON"}, "coupon", "coupon, discounts."),
    ("subscriptions", {"coupon[]": "x"}, "coupon", "Invalid string"),
    ("invoiceitems", {"unit_amount": "1.5", "currency": "usd"}, "unit_amount", "Invalid integer: 1.5"),
    ("invoiceitems", {"unit_amount": "1e2", "currency": "usd"}, "unit_amount", "Invalid integer"),
    ("invoiceitems", {"unit_amount": "", "currency": "usd"}, "unit_amount", "for 'unit_amount'"),
    (
        "invoiceitems",
        {"unit_amount": "5", "unit_amount_decimal": "7", "currency": "usd"},
        "unit_amount",
        "only specify one",
    ),
    ("subscription_schedules", {"phases": "abc"}, "phases", "Invalid array"),
    ("subscription_schedules", {"phases[0]": "abc"}, "phases[0]", "must be a hash"),
    ("subscription_schedules", {**PHASE, ITERATIONS: "-1"}, ITERATIONS, "greater"),
    ("subscription_schedules", {**PHASE, ITERATIONS: "1000000"}, ITERATIONS, "less"),
    ("subscription_schedules", {**PHASE, ITERATIONS: "9" * 20}, ITERATIONS, "Invalid integer"),
    (
        "subscription_schedules",
        {**PHASE, ITERATIONS: "2", "phases[0][duration][interval]": "month"},
        ITERATIONS,
        "phases[0][iterations], phases[0][duration].",
    ),
    *(
        (
            "subscription_schedules",
            {f"{INTERVAL}[interval]": "month", f"{INTERVAL}[interval_count]{within}": count, ITERATIONS: "2"},
            f"{INTERVAL}[interval_count]",
            message,
        )
        for within, count, message in (
            ("", "abc", "Invalid integer"),
            ("", "1.5", "Invalid integer"),
            ("", "", "empty string"),
            ("[a]", "1", "Invalid string"),
        )
    ),
    ("products", {"name": "Gold", "features[0]": "x"}, "features[0]", "features[0] must be a hash"),
    (
        "products",
        {"name": "Gold", "features[0][nme]": "x"},
        "features[0][nme]",
        "parameter: features[0][nme]",
    ),
    ("invoices", {"customer": "nobody"}, "customer", "No such customer: 'nobody'"),
    ("invoices", {"customer[]": "x"}, "customer", "Invalid string"),
    (
        "payment_intents",
        {"amount": "500", "currency": "usd", "payment_method_types": "card"},
        "payment_method_types",
        "Invalid array",
    ),
]
OWN = {"subscriptions": {"items[0][price]": "PRICE"}, "subscription_schedules": {"start_date": "now"}}


@pytest.mark.parametrize(("path", "form", "param", "message"), REFUSED)
def test_a_refusal_names_what_was_sent(
    api: Api, world: dict[str, str], path: str, form: dict[str, str], param: str, message: str
) -> None:
    known = {"PRICE": world["price"], "COUPON": world["coupon"]}
    customer = {} if path == "products" or "customer[]" in form else {"customer": world["customer"]}
    sent = {
        name: known.get(value, value) for name, value in {**customer, **OWN.get(path, {}), **form}.items()
    }
    error = Client(api, FLOOR).refused(path, sent)
    assert (error["param"], message in error["message"]) == (param, True), error


@pytest.mark.parametrize(
    ("query", "param", "message"),
    [
        ({"subscription_items": "abc"}, "subscription_items", "Invalid array"),
        ({"subscription_items[0]": "abc"}, "subscription_items[0]", "subscription_items[0] must be a hash"),
        ({"subscription_items[0][plan]": "none"}, "subscription_items[0][plan]", "No such price: 'none'"),
        ({"subscription_billing_cycle_anchor": "x"}, "subscription_billing_cycle_anchor", "timestamp"),
        ({"subscription_details": "x", "subscription_trial_end": "now"}, "subscription_details", "object"),
        ({"schedule_details": "abc"}, "schedule_details", "Invalid object"),
        ({"coupon": "none"}, "coupon", "No such coupon: 'none'"),
    ],
)
@pytest.mark.parametrize("path", ["upcoming", "upcoming/lines"])
def test_a_preview_names_what_was_sent(
    api: Api, world: dict[str, str], path: str, query: dict[str, str], param: str, message: str
) -> None:
    Client(api, ACACIA).post(
        "subscriptions", {"customer": world["customer"], "items[0][price]": world["price"]}
    )
    sent = {"customer": world["customer"], **query}
    answer = api.get(f"/v1/invoices/{path}", sent, Stripe_Version=ACACIA)
    assert answer.status == 400
    assert (answer["error"]["param"], message in answer["error"]["message"]) == (param, True), answer


def test_empty_coupons_take_nothing_off(api: Api, world: dict[str, str]) -> None:
    acacia = Client(api, ACACIA)
    form: dict[str, Any] = {"customer": world["customer"], "items[0][price]": world["price"]}
    assert acacia.post("subscriptions", {**form, "coupon": "", "promotion_code": ""})["discount"] is None
    assert acacia.post("subscriptions", {**form, "coupon": world["coupon"], "promotion_code": ""})["discount"]
    assert acacia.post(f"customers/{world['customer']}", {"coupon": ""})["id"] == world["customer"]


def test_expanding_within_hashes_of_older_objects(api: Api, world: dict[str, str]) -> None:
    acacia = Client(api, ACACIA)
    form = {
        "customer": world["customer"],
        "start_date": "now",
        "phases[0][items][0][price]": world["price"],
        "phases[0][coupon]": world["coupon"],
        "expand[0]": "phases.coupon",
    }
    [phase] = acacia.post("subscription_schedules", form)["phases"]
    assert (phase["coupon"]["object"], phase["coupon"]["percent_off"]) == ("coupon", 10)
    for path, name in (
        ("subscription_schedules", "data.phases.nonsense"),
        ("invoices", "data.total_tax_amounts.nonsense"),
        ("invoices", "data.total_tax_amounts"),
    ):
        refused = api.get(f"/v1/{path}", {"expand[]": name}, Stripe_Version=ACACIA)
        assert (refused.status, refused["error"]["param"]) == (400, "expand"), name
