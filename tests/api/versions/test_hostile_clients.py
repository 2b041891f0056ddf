"""Do older versions hold where the caller's words, rights, and conflicts could mislead them?"""

from typing import Any

import psycopg
import pytest

from tests.api.versions.test_older_versions import (
    ACACIA,
    BASIL,
    FLOOR,
    Client,
    acacia,
    floor,
    subscribed,
    world,
)
from tests.conftest import Api
from tests.support.one_of_each import ALL_RECIPES, Maker
from tests.support.statement_counts import counted_in_transactions

__all__ = ["acacia", "floor", "world"]
LISTS = ("invoices", "subscriptions", "charges", "payment_intents", "promotion_codes", "events", "prices")


def test_metadata_is_never_taken_for_an_object(api: Api) -> None:
    maker = Maker(api)
    maker.make("tax.settings")  # without them no tax is calculated
    made = []
    for noun in ALL_RECIPES:
        for kind in ("invoice", "event", "discount", "deleted"):
            path, sent = maker.recipe(noun)
            answer = maker.send(path, {**sent, f"metadata[{'object' if kind != 'deleted' else kind}]": kind})
            if answer.status == 200:
                made.append(f"{path}/{answer['id']}")
    assert len(made) > 40
    for path in made:
        newest = api.get(path)
        for version in (FLOOR, ACACIA, BASIL):
            older = api.get(path, Stripe_Version=version)
            assert older.status == newest.status, (path, version, older)
            assert older.get("metadata") == newest.get("metadata")
    for path in LISTS:
        assert api.get(f"/v1/{path}", {"limit": "100"}, Stripe_Version=FLOOR).status == 200


def test_expanding_below_older_fields_needs_rights_too(
    api: Api, floor: Client, world: dict[str, str]
) -> None:
    subscription = subscribed(floor, world)
    sent = {"kind": "restricted"} | {
        f"permissions[{noun}]": "read" for noun in ("subscriptions", "invoices", "payment_intents", "charges")
    }
    key = {"Authorization": f"Bearer {api.post('/v1/api_keys', sent)['secret']}", "Stripe_Version": FLOOR}
    path = f"/v1/subscriptions/{subscription['id']}"
    seen = api.get(path, {"expand[]": "latest_invoice.payment_intent.charges.data.refunds"}, **key)
    assert "refunds" in str(seen)
    for name, right in (
        ("latest_invoice.payment_intent.customer", "customers"),
        ("latest_invoice.charge.customer", "customers"),
        ("latest_invoice.charge.balance_transaction", "balance_transactions"),
        ("latest_invoice.payment_intent.charges.data.customer", "customers"),
        ("latest_invoice.payment_intent.payment_method", "payment_methods"),
        ("latest_invoice.subscription.customer", "customers"),
        ("latest_invoice.charge.invoice.customer", "customers"),
    ):
        refused = api.get(path, {"expand[]": name}, **key)
        assert (refused.status, f"permissions[{right}]=read" in str(refused)) == (403, True), (name, refused)
    granted = api.get(path, {"expand[]": "latest_invoice.payment_intent.latest_charge"}, **key)
    assert granted["latest_invoice"]["payment_intent"]["latest_charge"]["object"] == "charge"


def test_a_publishable_key_sees_no_more_in_an_older_version(
    api: Api, floor: Client, world: dict[str, str]
) -> None:
    form = {"amount": "500", "currency": "usd", "customer": world["customer"]}
    intent = floor.post("payment_intents", {**form, "payment_method": world["card"], "confirm": "true"})
    secret = {"client_secret": intent["client_secret"]}
    key = api.post("/v1/api_keys", {"kind": "publishable"})["secret"]
    path = f"/v1/payment_intents/{intent['id']}"
    newest, older = (
        api.get(path, secret, Authorization=f"Bearer {key}", **version)
        for version in ({}, {"Stripe_Version": FLOOR})
    )
    assert (newest.status, older.status) == (200, 200), (newest, older)
    assert set(older) == set(newest)
    expanded = api.get(
        path, {**secret, "expand[]": "charges"}, Authorization=f"Bearer {key}", Stripe_Version=FLOOR
    )
    assert expanded.status == 401


def test_a_meter_is_made_anew_after_a_conflict(acacia: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from billow.api import execution

    original, times = execution.invoke, []

    def conflicting(tx: Any, call: Any) -> Any:
        result = original(tx, call)
        if call.verb.path == "/v1/prices" and call.verb.method == "POST":
            times.append(1)
            if len(times) == 1:
                raise psycopg.errors.SerializationFailure("a conflict")
        return result

    monkeypatch.setattr(execution, "invoke", conflicting)
    metered = {"recurring[usage_type]": "metered", "recurring[aggregate_usage]": "last_during_period"}
    price = {"currency": "usd", "unit_amount": "10", "recurring[interval]": "month", **metered}
    made = acacia.post("prices", {**price, "product_data[name]": "Calls"})
    assert (len(times), made["recurring"]["aggregate_usage"]) == (2, "last_during_period")
    assert acacia.get(f"billing/meters/{made['recurring']['meter']}")["status"] == "active"


def test_a_deleted_coupon_is_whole_in_what_it_takes_off(acacia: Client, world: dict[str, str]) -> None:
    subscription = subscribed(acacia, world)
    acacia.api.delete(f"/v1/coupons/{world['coupon']}")
    shown = acacia.get(f"subscriptions/{subscription['id']}")["discount"]["coupon"]
    assert (shown["percent_off"], shown["valid"]) == (10, False)
    gone = acacia.api.delete(f"/v1/subscriptions/{subscription['id']}/discount", Stripe_Version=ACACIA)
    assert (gone.status, gone["deleted"], gone["coupon"]["percent_off"]) == (200, True, 10)


@pytest.mark.parametrize("version", [FLOOR, ACACIA, BASIL])
@pytest.mark.parametrize("path", LISTS)
def test_a_list_takes_as_many_statements_as_one_entry(
    api: Api, world: dict[str, str], path: str, version: str
) -> None:
    client = Client(api, version)
    form = {
        "customer": world["customer"],
        "items[0][price]": world["price"],
        "discounts[0][coupon]": world["coupon"],
    }

    def more(count: int) -> None:
        for _ in range(count):
            client.post("subscriptions", {**form, "default_tax_rates[0]": world["tax"]})
            client.post(
                "promotion_codes", {"promotion[type]": "coupon", "promotion[coupon]": world["coupon"]}
            )
            client.post(
                "products",
                {"name": "P", "default_price_data[currency]": "usd", "default_price_data[unit_amount]": "5"},
            )

    counts = []
    for amount in (1, 4):
        more(amount)
        with counted_in_transactions() as count:
            listed = client.get(path, {"limit": "100"})
        counts.append((len(listed["data"]), len(count), count.sent))
    assert counts[1][0] > counts[0][0]
    assert counts[1][1] == counts[0][1], "\n".join(counts[1][2])


def test_the_plan_of_the_only_item_is_changed(acacia: Client, world: dict[str, str]) -> None:
    subscription = subscribed(acacia, world)
    path, other = f"subscriptions/{subscription['id']}", {"currency": "usd", "recurring[interval]": "month"}
    price = acacia.post("prices", {**other, "unit_amount": "900", "product_data[name]": "Silver"})["id"]
    changed = acacia.post(path, {"quantity": "5"})
    assert (changed["quantity"], changed["plan"]["id"]) == (5, world["price"])
    changed = acacia.post(path, {"plan": price})
    assert (changed["plan"]["id"], len(changed["items"]["data"])) == (price, 1)
    assert acacia.refused(path, {"quantity": "x"})["param"] == "quantity"
    assert acacia.refused(path, {"plan": "none"})["param"] == "plan"
    acacia.post(path, {"items[0][price]": world["price"]})
    assert "unknown parameter" in acacia.refused(path, {"quantity": "5"})["message"]
    assert acacia.api.post(f"/v1/{path}", {"quantity": "5"}).status == 400
