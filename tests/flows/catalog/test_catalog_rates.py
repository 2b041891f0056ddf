"""Which tax rates and shipping rates are accepted, and what of them can change?"""

from typing import Any

import pytest

VAT = {"display_name": "VAT", "percentage": "8.1", "inclusive": "false"}
FIXED = {"display_name": "Post", "fixed_amount[amount]": "500", "fixed_amount[currency]": "eur"}


def listed(api: Any, path: str, **query: str) -> list[str]:
    return [row["id"] for row in api.get(path, query)["data"]]


@pytest.mark.parametrize(
    ("sent", "param", "code"),
    [
        ({"display_name": ""}, "display_name", "parameter_invalid_empty"),
        ({"percentage": "8.12345"}, "percentage", None),
        ({"percentage": "-1"}, "percentage", None),
        ({"percentage": "100.1"}, "percentage", None),
        ({"inclusive": "maybe"}, "inclusive", None),
        ({"country": "Swiss"}, "country", None),
        ({"country": "ch"}, "country", "country_code_invalid"),
        ({"tax_type": "salt_tax"}, "tax_type", None),
        ({"rate_type": "percentage"}, "rate_type", "parameter_unknown"),
    ],
)
def test_an_invalid_tax_rate_is_refused(api: Any, sent: dict[str, str], param: str, code: str | None) -> None:
    answer = api.post("/v1/tax_rates", {**VAT, **sent})
    assert (answer.status, answer["error"]["param"], answer["error"].get("code")) == (400, param, code)


def test_a_tax_rate_has_three_required_params(api: Any) -> None:
    for name in VAT:
        rest = {key: value for key, value in VAT.items() if key != name}
        answer = api.post("/v1/tax_rates", rest)
        assert (answer["error"]["param"], answer["error"]["code"]) == (name, "parameter_missing")


def test_a_percentage_is_a_number_of_up_to_four_places(api: Any) -> None:
    for sent, shown in (
        ("8.1", 8.1),
        ("7.1250", 7.125),
        ("0.0001", 0.0001),
        ("20", 20.0),
        ("0", 0.0),
        ("100", 100.0),
    ):
        made = api.post("/v1/tax_rates", {**VAT, "percentage": sent})
        assert made["percentage"] == shown and type(made["percentage"]) is type(shown), sent


def test_only_the_descriptions_of_a_tax_rate_change(api: Any) -> None:
    path = f"/v1/tax_rates/{api.post('/v1/tax_rates', VAT)['id']}"
    for name in ("percentage", "inclusive"):
        assert api.post(path, {name: "1"})["error"]["code"] == "parameter_unknown", name
    words = {
        "active": False,
        "country": "CH",
        "description": "d",
        "display_name": "MWST",
        "jurisdiction": "Switzerland",
        "state": "BE",
        "tax_type": "vat",
        "metadata": {"a": "1"},
    }
    sent = {name: str(value) for name, value in words.items() if isinstance(value, str)}
    changed = api.post(path, {**sent, "active": "false", "metadata[a]": "1"})
    assert {name: changed[name] for name in words} == words
    assert api.post(path, {"country": "xx"})["error"]["param"] == "country"
    assert api.event_types(type="tax_rate.*") == ["tax_rate.created", "tax_rate.updated"]


def test_tax_rates_are_filtered(api: Any) -> None:
    one = api.post("/v1/tax_rates", VAT)["id"]
    two = api.post("/v1/tax_rates", {**VAT, "inclusive": "true", "active": "false"})["id"]
    for query, found in [
        ({}, [two, one]),
        ({"active": "true"}, [one]),
        ({"active": "false"}, [two]),
        ({"inclusive": "true"}, [two]),
        ({"inclusive": "false"}, [one]),
        ({"created[lt]": "1000"}, []),
    ]:
        assert listed(api, "/v1/tax_rates", **query) == found, query


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ({"fixed_amount[amount]": "-1"}, "fixed_amount[amount]"),
        ({"fixed_amount[currency]": "zzz"}, "fixed_amount[currency]"),
        ({"fixed_amount[currency_options][eur][amount]": "1"}, "fixed_amount[currency_options][eur]"),
        ({"fixed_amount[currency_options][zzz][amount]": "1"}, "fixed_amount[currency_options][zzz]"),
        ({"tax_code": "txcd_1"}, "tax_code"),
        ({"tax_behavior": "free"}, "tax_behavior"),
        ({"type": "by_weight"}, "type"),
        ({"delivery_estimate[minimum][unit]": "day"}, "delivery_estimate[minimum][value]"),
        (
            {
                "delivery_estimate[minimum][unit]": "week",
                "delivery_estimate[minimum][value]": "1",
                "delivery_estimate[maximum][unit]": "day",
                "delivery_estimate[maximum][value]": "6",
            },
            "delivery_estimate[minimum]",
        ),
        ({"display_name": "x" * 101}, "display_name"),
    ],
)
def test_an_invalid_shipping_rate_is_refused(api: Any, sent: dict[str, str], param: str) -> None:
    answer = api.post("/v1/shipping_rates", {**FIXED, **sent})
    assert (answer.status, answer["error"]["param"]) == (400, param)


def test_a_shipping_rate_needs_a_name_and_an_amount(api: Any) -> None:
    assert api.post("/v1/shipping_rates", {"display_name": "Post"})["error"]["param"] == "fixed_amount"
    answer = api.post(
        "/v1/shipping_rates", {name: value for name, value in FIXED.items() if "name" not in name}
    )
    assert answer["error"]["param"] == "display_name"


def test_currencies_are_added_to_a_shipping_rate_and_it_is_archived(api: Any) -> None:
    made = api.post("/v1/shipping_rates", {**FIXED, "fixed_amount[currency_options][usd][amount]": "600"})
    path, at = f"/v1/shipping_rates/{made['id']}", "fixed_amount[currency_options]"
    assert made["fixed_amount"]["currency_options"] == {"usd": {"amount": 600, "tax_behavior": "unspecified"}}
    more = api.post(
        path,
        {f"{at}[chf][amount]": "550", f"{at}[usd][tax_behavior]": "exclusive", "tax_behavior": "inclusive"},
    )
    assert more["fixed_amount"]["currency_options"] == {
        "chf": {"amount": 550, "tax_behavior": "unspecified"},
        "usd": {"amount": 600, "tax_behavior": "exclusive"},
    }
    assert more["tax_behavior"] == "inclusive" and more["fixed_amount"]["amount"] == 500
    lacking = api.post(path, {f"{at}[jpy][tax_behavior]": "exclusive"})
    assert (lacking["error"]["param"], lacking["error"]["code"]) == (
        f"{at}[jpy][amount]",
        "parameter_missing",
    )
    assert api.post(path, {f"{at}[eur][amount]": "1"})["error"]["param"] == f"{at}[eur]"
    archived = api.post(path, {"active": "false", "metadata[a]": "1"})
    assert (archived["active"], archived["metadata"]) == (False, {"a": "1"})
    for name in ("display_name", "type", "fixed_amount[amount]"):
        assert api.post(path, {name: "1"})["error"]["code"] == "parameter_unknown", name


def test_shipping_rates_are_filtered(api: Any) -> None:
    one = api.post("/v1/shipping_rates", FIXED)["id"]
    two = api.post("/v1/shipping_rates", {**FIXED, "fixed_amount[currency]": "usd"})["id"]
    api.post(f"/v1/shipping_rates/{one}", {"active": "false"})
    for query, found in [({}, [two, one]), ({"currency": "EUR"}, [one]), ({"active": "true"}, [two])]:
        assert listed(api, "/v1/shipping_rates", **query) == found, query
