"""Numbers at their limits: exact as far as they go, refused at the door beyond; use beyond them waits alone.

A test of a door says which request it is; none of them may answer with 500, whatever the number.
"""

from decimal import Decimal
from typing import Any

import pytest

from billow.app import App
from billow.core.bounds import LARGEST
from billow.core.money import EXACT, LARGEST_CHARGE, round_half_away
from billow.store import jobs
from tests.flows.conftest import Worlds
from tests.support.world import Customer, World, moment

HUGE = "9" * 26
TOO_MUCH = LARGEST + 1


def merchant(world: World, name: str = "anna") -> Customer:
    if world.clock is None:
        world.at("2025-01-01")
    return world.customer(name)


def parked(app: App, world: World) -> list[tuple[str, str]]:
    """What is parked on the wall, by kind and reason, and taken away, so that no later story finds it."""
    with app.db.transaction(world.api.tenant) as tx:
        found = [(job["kind"], job["error"]) for job in jobs.parked(tx, "wall")]
        tx.run("delete from jobs where tenant = %(tenant)s and parked and clock = 'wall'", tenant=tx.tenant)
    return found


def too_large(error: dict[str, Any]) -> str | None:
    assert (error["status"], error["code"]) == (400, "amount_too_large"), error
    return error.get("param")


# ------------------------------------------------------------------------------------- use


def test_use_that_no_invoice_can_hold_waits_alone(worlds: Worlds, app: App) -> None:
    world = worlds()
    anna = merchant(world)
    tokens, calls = world.meter("tokens"), world.meter("calls")
    per_token, per_call = world.metered("Tokens", tokens, cents="1"), world.metered("Calls", calls, cents="2")
    anna.subscribes_to(world.plan("Pro", usd=20), per_token, per_call)
    other = merchant(world, "ben")
    other.subscribes_to(per_token)
    world.at("2025-01-20")
    anna.uses("tokens", HUGE, "2025-01-10")
    anna.uses("calls", 100, "2025-01-10")
    other.uses("tokens", 500, "2025-01-10")
    assert too_large(world.refused("/v1/invoices/create_preview", customer=anna.id)) is None
    world.at("2025-02-01 02:00")
    assert (anna.last_invoice.data["total"], anna.last_invoice.data["status"]) == (2000 + 200, "paid")
    assert other.last_invoice.data["total"] == 500
    assert parked(app, world) == [("billing.oversize", "No invoice can hold it.")]
    # Corrected, it is on the next invoice: what no invoice could hold was lost to nobody.
    anna.uses("tokens", f"-{HUGE}", "2025-01-10")
    anna.uses("tokens", 700, "2025-01-10")
    world.at("2025-03-01 02:00")
    assert (anna.last_invoice.data["total"], anna.last_invoice.data["status"]) == (2000 + 700, "paid")
    world.at("2025-04-01 02:00")
    assert anna.last_invoice.data["total"] == 2000


def test_of_two_thousand_huge_events_a_renewal_loses_none(worlds: Worlds, app: App) -> None:
    """Sums beyond 28 digits are exact: Decimal's own context would round them."""
    world = worlds()
    anna = merchant(world)
    price = world.metered("Tokens", world.meter("tokens"), cents="0.000000000001")
    anna.subscribes_to(price)
    world.at("2025-01-20")
    events = [
        {
            "event_name": "tokens",
            "identifier": f"{place}",
            "timestamp": int(moment("2025-01-10").timestamp()),
            "payload": {"stripe_customer_id": anna.id, "value": HUGE + ".000000000001"},
        }
        for place in range(2000)
    ]
    answer = world.api.ask("POST", "/v1/billing/meter_events/bulk", json=events)
    assert answer.status == 200, answer
    total = EXACT.multiply(Decimal(2000), Decimal(HUGE + ".000000000001"))
    [meter] = world.get("/v1/billing/meters")["data"]
    begin, end = int(moment("2025-01-10").timestamp()), int(moment("2025-01-11").timestamp())
    for window in ({}, {"value_grouping_window": "hour"}):
        page = world.get(
            f"/v1/billing/meters/{meter['id']}/event_summaries",
            customer=anna.id,
            start_time=begin,
            end_time=end,
            **window,
        )
        assert page["data"][0]["aggregated_value"] in (int(total), float(total))
    world.at("2025-02-01 02:00")
    assert parked(app, world)


def test_late_use_that_no_invoice_can_hold_leaves_the_draft_as_it_was(worlds: Worlds, app: App) -> None:
    world = worlds()
    anna = merchant(world)
    anna.subscribes_to(world.metered("Tokens", world.meter("tokens"), cents="1"))
    world.at("2025-01-20")
    anna.uses("tokens", 300, "2025-01-10")
    world.at("2025-02-01 00:30")
    anna.uses("tokens", HUGE, "2025-01-20")
    world.at("2025-02-01 02:00")
    assert (anna.last_invoice.data["total"], anna.last_invoice.data["status"]) == (300, "paid")
    assert parked(app, world) == [("billing.oversize", "What came in late is more than an invoice can hold.")]


def test_items_that_fit_together_on_no_invoice_are_billed_one_by_one(worlds: Worlds, app: App) -> None:
    world = worlds()
    anna = merchant(world)
    anna.subscribes_to(world.plan("Pro", usd=20))
    anna.owes(LARGEST - 5000, "Ship")
    anna.owes(LARGEST - 6000, "Other ship")
    world.at("2025-02-01 02:00")
    assert anna.last_invoice.data["total"] == LARGEST - 6000 + 2000
    world.at("2025-03-01 02:00")
    assert anna.last_invoice.data["total"] == LARGEST - 5000 + 2000
    assert parked(app, world) == [("billing.oversize", "No invoice can hold it.")]


# ------------------------------------------------------------------------------------- doors


def test_amounts_that_are_too_large_are_refused_at_every_door(world: World) -> None:
    anna = merchant(world)
    product = world.post("/v1/products", name="Pro")["id"]
    price = {"currency": "usd", "product": product}
    doors: list[tuple[str, dict[str, Any]]] = [
        ("/v1/prices", {**price, "unit_amount": TOO_MUCH}),
        ("/v1/prices", {**price, "unit_amount_decimal": f"{TOO_MUCH}.5"}),
        (
            "/v1/prices",
            {
                **price,
                "billing_scheme": "tiered",
                "tiers_mode": "volume",
                "recurring": {"interval": "month"},
                "tiers": [{"up_to": "inf", "flat_amount": TOO_MUCH}],
            },
        ),
        ("/v1/coupons", {"amount_off": TOO_MUCH, "currency": "usd"}),
        ("/v1/invoiceitems", {"customer": anna.id, "amount": TOO_MUCH, "currency": "usd"}),
        ("/v1/invoiceitems", {"customer": anna.id, "amount": -TOO_MUCH, "currency": "usd"}),
        (
            "/v1/invoiceitems",
            {"customer": anna.id, "unit_amount_decimal": "9" * 18, "quantity": 10**12, "currency": "usd"},
        ),
        (f"/v1/customers/{anna.id}/balance_transactions", {"amount": TOO_MUCH, "currency": "usd"}),
        (
            "/v1/invoices/create_preview",
            {"customer": anna.id, "invoice_items": [{"amount": TOO_MUCH, "currency": "usd"}]},
        ),
        (
            "/v1/invoices/create_preview",
            {
                "customer": anna.id,
                "invoice_items": [{"unit_amount": LARGEST, "quantity": 2, "currency": "usd"}],
            },
        ),
    ]
    for path, form in doors:
        assert too_large(world.refused(path, **form)), path


def test_a_quantity_times_a_price_that_is_too_large_is_refused_at_every_door(world: World) -> None:
    anna = merchant(world)
    dear = world.post(
        "/v1/prices",
        currency="usd",
        unit_amount=LARGEST,
        product_data={"name": "Ship"},
        recurring={"interval": "month"},
    )["id"]
    cheap, once = world.plan("Pro", usd=20), world.once("Setup", usd=10**9)
    two, full = {"price": dear, "quantity": 2}, [{"price": dear}, {"price": cheap}]
    running = anna.subscribes_to(cheap)
    [item] = running.now["items"]["data"]
    phases = [{"items": [two], "duration": {"interval": "month", "interval_count": 1}}]
    doors: list[tuple[str, dict[str, Any]]] = [
        ("/v1/subscriptions", {"customer": anna.id, "items": [two]}),
        ("/v1/subscriptions", {"customer": anna.id, "items": [two], "trial_period_days": 7}),
        ("/v1/subscriptions", {"customer": anna.id, "items": full}),
        (f"/v1/subscriptions/{running.id}", {"items": [two]}),
        (f"/v1/subscriptions/{running.id}", {"items": [{"id": item["id"], **two}]}),
        ("/v1/subscription_items", {"subscription": running.id, **two}),
        (f"/v1/subscription_items/{item['id']}", {"price": dear, "quantity": 2}),
        ("/v1/subscription_schedules", {"customer": anna.id, "start_date": "now", "phases": phases}),
        ("/v1/quotes", {"customer": anna.id, "line_items": [two]}),
        ("/v1/invoices/create_preview", {"customer": anna.id, "subscription_details": {"items": [two]}}),
        (
            "/v1/invoices/create_preview",
            {"subscription": running.id, "subscription_details": {"items": [two]}},
        ),
        (
            "/v1/subscriptions",
            {
                "customer": anna.id,
                "items": [{"price": cheap}],
                "add_invoice_items": [{"price": once, "quantity": 10**12}],
            },
        ),
        ("/v1/invoiceitems", {"customer": anna.id, "pricing": {"price": once}, "quantity": 10**12}),
    ]
    for path, form in doors:
        too_large(world.refused(path, **form))
    assert running.now["items"]["data"][0]["quantity"] == 1


def test_totals_that_are_too_large_are_refused(world: World) -> None:
    anna = merchant(world)
    balance = f"/v1/customers/{anna.id}/balance_transactions"
    world.post(balance, amount=-LARGEST, currency="usd")
    too_large(world.refused(balance, amount=-1, currency="usd"))
    world.post(balance, amount=LARGEST, currency="usd")
    invoice = anna.bills(default_tax_rates=[world.tax(100)])
    half = LARGEST // 2
    anna.owes(half, invoice=invoice.data["id"])
    assert invoice.now["total"] == 2 * half
    form = {"customer": anna.id, "currency": "usd", "invoice": invoice.data["id"]}
    too_large(world.refused("/v1/invoiceitems", amount=1000, **form))
    assert invoice.now["total"] == 2 * half
    [line] = invoice.data["lines"]["data"]
    item = line["parent"]["invoice_item_details"]["invoice_item"]
    too_large(world.refused(f"/v1/invoiceitems/{item}", amount=LARGEST))
    too_large(world.refused(f"/v1/invoiceitems/{item}", quantity=10**12))
    world.post(f"/v1/invoiceitems/{item}", quantity=0)
    world.post(f"/v1/invoiceitems/{item}", amount=5)
    assert invoice.now["total"] == 10


def test_a_debt_beyond_the_largest_amount_stays_in_the_balance(world: World) -> None:
    anna = merchant(world)
    world.post(f"/v1/customers/{anna.id}/balance_transactions", amount=LARGEST - 100, currency="usd")
    anna.owes(5000)
    invoice = anna.bills()
    invoice.does("finalize")
    left = LARGEST + 4900 - LARGEST_CHARGE
    assert (invoice.data["amount_due"], invoice.data["ending_balance"]) == (LARGEST_CHARGE, left)


# ------------------------------------------------------------------------------------- exact


@pytest.mark.parametrize("currency", ["usd", "jpy", "kwd"])
def test_amounts_at_the_limits_are_those_of_the_oracle(world: World, currency: str) -> None:
    """F35: ±9e15, prices of 12 decimals, zero, and currencies without decimals and with three."""
    anna = merchant(world)
    cases = [
        ("9000000000000000", 1),
        ("-9000000000000000", 1),
        ("0", 1),
        ("0.000000000001", 10**12),
        ("0.000000000001", 1),
        ("8999.999999999999", 999_999_999_999),
        ("-0.5", 1),
        ("0.499999999999", 1),
        ("0.999999999999", 10**12),
    ]
    expected = []
    for unit, many in cases:
        world.post(
            "/v1/invoiceitems", customer=anna.id, currency=currency, unit_amount_decimal=unit, quantity=many
        )
        expected.append(round_half_away(EXACT.multiply(Decimal(unit), Decimal(many))))
    invoice = anna.bills(currency=currency, collection_method="send_invoice", days_until_due=30)
    lines = world.get(f"/v1/invoices/{invoice.data['id']}/lines", limit=100)["data"]
    assert sorted(line["amount"] for line in lines) == sorted(expected)
    assert invoice.data["total"] == sum(expected)
    invoice.does("finalize")
    assert invoice.data["amount_due"] == sum(expected)
