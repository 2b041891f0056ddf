"""A preview shows what the deed would do, and does nothing (§7.8)."""

from typing import Any

import pytest

from tests.flows.subscription_changes.test_changes import item_of, pending
from tests.support.preview_checks import (
    advance,
    last_invoice_lines,
    lines_of,
    preview,
    refused_preview,
    table_digests,
)
from tests.support.world import Customer, Subscription, World, moment


def test_what_a_preview_would_leave_behind_is_found(world: World) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    before = table_digests(world)
    anna.owes(700)
    found = {name for name, rows in table_digests(world).items() if rows != before[name]}
    assert found == {"customers", "events", "invoice_items", "jobs"}


def with_seats(world: World) -> tuple[Customer, Subscription]:
    world.at("2025-05-01")
    anna = world.customer("anna")
    calls = world.metered("Calls", world.meter("calls"), cents="100")
    plan = anna.subscribes_to({"price": world.plan("Seat", usd=15), "quantity": 5}, calls)
    world.at("2025-05-16 12:00")
    anna.uses("calls", 3, "2025-05-10")
    world.forget()
    return anna, plan


def test_the_next_invoice_as_it_stands(world: World, contract: Any) -> None:
    anna, plan = with_seats(world)
    anna.owes(700, "Setup")
    world.forget()
    shown = preview(world, subscription=plan.id)
    assert shown["id"].startswith("upcoming_in_") and shown["status"] == "draft"
    assert contract.problems(shown) == []
    assert shown["billing_reason"] == "upcoming" and shown["number"] is None
    assert all(line["id"].startswith("il_tmp_") for line in shown["lines"]["data"])
    assert lines_of(shown) == [
        ("Setup", 700),
        ("5 × Seat (at $15.00 / month)", 7500),
        ("3 × Calls (at $1.00 / month)", 300),
    ]
    world.check_events([])
    assert len(anna.invoices) == 1 and len(pending(anna)) == 1
    world.at("2025-06-01 01:00")
    assert last_invoice_lines(anna) == lines_of(shown)
    assert anna.last_invoice.data["total"] == shown["total"]


CHANGES: dict[str, Any] = {
    "quantity": {"items": [{"quantity": 8}]},
    "another price": {"items": [{"price": "pro"}]},
    "an item more": {"items": [{"price": "pro"}], "added": True},
    "without proration": {"items": [{"quantity": 8}], "proration_behavior": "none"},
    "at once": {"items": [{"quantity": 8}], "proration_behavior": "always_invoice"},
    "anchor now": {"billing_cycle_anchor": {"type": "now"}, "proration_behavior": "always_invoice"},
    "anchor now, later": {"billing_cycle_anchor": {"type": "now"}},
    "backdated": {"items": [{"quantity": 2}], "proration_date": "2025-05-11"},
    "an end": {"cancel_at": "2025-05-20"},
    "an interval": {"items": [{"price": "yearly"}], "proration_behavior": "always_invoice"},
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_costs_what_its_preview_said(world: World, name: str) -> None:
    anna, plan = with_seats(world)
    prices = {"pro": world.plan("Pro", usd=40), "yearly": world.plan("Year", every="year", usd=100)}
    details = dict(CHANGES[name])
    added = details.pop("added", False)
    for key in ("proration_date", "cancel_at"):
        if key in details:
            details[key] = int(moment(details[key]).timestamp())
    if "items" in details:
        own = {} if added else {"id": item_of(plan)}
        details["items"] = [
            {**own, **{key: prices.get(value, value) for key, value in item.items()}}
            for item in details["items"]
        ]
    world.forget()
    shown = preview(world, subscription=plan.id, subscription_details=details)
    world.check_events([])
    before = len(anna.invoices)
    plan.update(**details)
    if len(anna.invoices) == before:
        due = min(item["current_period_end"] for item in plan.now["items"]["data"])
        advance(world, due + 3600)
    assert last_invoice_lines(anna) == lines_of(shown)
    assert anna.last_invoice.data["total"] == shown["total"]


def test_cancel_now(world: World) -> None:
    anna, plan = with_seats(world)
    shown = preview(world, subscription=plan.id, subscription_details={"cancel_now": True})
    plan.cancels(invoice_now=True, prorate=True)
    assert last_invoice_lines(anna) == lines_of(shown)
    assert refused_preview(world, subscription=plan.id) == (404, "invoice_upcoming_none", None)


@pytest.mark.parametrize(
    ("details", "at"),
    [
        ({"items": [{"quantity": 8}]}, "2025-05-16 12:00"),
        ({"items": [{"quantity": 8}], "proration_date": "2025-05-11"}, "2025-05-11"),
        ({"items": [{"quantity": 8}], "proration_behavior": "always_invoice"}, "2025-05-16 12:00"),
        ({"cancel_now": True}, "2025-05-16 12:00"),
        ({"cancel_now": True, "proration_date": "2025-05-11"}, "2025-05-11"),
        ({"cancel_at": "2025-05-20"}, "2025-05-16 12:00"),
        ({"billing_cycle_anchor": {"type": "now"}}, "2025-05-16 12:00"),
        ({"items": [{"quantity": 8}], "proration_behavior": "none"}, None),
        ({"cancel_now": True, "proration_behavior": "none"}, None),
        ({"cancel_at_period_end": True}, None),
        ({"billing_cycle_anchor": {"type": "unchanged"}}, None),
        ({}, None),
    ],
)
def test_a_preview_says_from_when_its_prorations_count(
    world: World, details: dict[str, Any], at: str | None
) -> None:
    _, plan = with_seats(world)
    asked = dict(details)
    if "items" in asked:
        asked["items"] = [{"id": item_of(plan), **item} for item in asked["items"]]
    for name in {"proration_date", "cancel_at"} & asked.keys():
        asked[name] = int(moment(asked[name]).timestamp())
    shown = preview(world, subscription=plan.id, subscription_details=asked)
    said = shown["parent"]["subscription_details"]["subscription_proration_date"]
    assert said == (int(moment(at).timestamp()) if at else None)


def test_a_cancellation_may_be_shown_as_of_a_date(world: World) -> None:
    """5 seats at 15.00; from May 11 on 21 of 31 days are unused."""
    _, plan = with_seats(world)
    at = int(moment("2025-05-11").timestamp())
    shown = preview(
        world, subscription=plan.id, subscription_details={"cancel_now": True, "proration_date": at}
    )
    assert lines_of(shown)[0] == ("Unused time on 5 × Seat after 11 May 2025", -5081)


def test_the_recurring_view_takes_a_proration_date_of_which_it_shows_nothing(world: World) -> None:
    _, plan = with_seats(world)
    details = {
        "items": [{"id": item_of(plan), "quantity": 8}],
        "proration_date": int(moment("2025-05-11").timestamp()),
    }
    shown = preview(world, subscription=plan.id, subscription_details=details, preview_mode="recurring")
    assert lines_of(shown)[0] == ("8 × Seat (at $15.00 / month)", 12000)


def test_the_recurring_view_leaves_out_what_comes_once(world: World) -> None:
    anna, plan = with_seats(world)
    anna.owes(700, "Setup")
    details = {"items": [{"id": item_of(plan), "quantity": 8}]}
    shown = preview(world, subscription=plan.id, subscription_details=details, preview_mode="recurring")
    assert lines_of(shown)[0] == ("8 × Seat (at $15.00 / month)", 12000)


def test_what_waits_is_shown_apart_where_it_is_billed_apart(world: World) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    every_week = {"interval": "week", "interval_count": 1}
    plan = anna.subscribes_to(world.plan("Month", usd=10), pending_invoice_item_interval=every_week)
    monthly = [("1 × Month (at $10.00 / month)", 1000)]
    assert lines_of(preview(world, subscription=plan.id)) == monthly
    anna.owes(700, "Setup")
    shown = preview(world, subscription=plan.id)
    assert lines_of(shown) == [("Setup", 700)]
    world.at("2025-05-08 01:00")
    assert last_invoice_lines(anna) == lines_of(shown)
    world.at("2025-05-24")
    anna.owes(300, "Late")
    world.at("2025-05-26")
    [event] = world.get("/v1/events", type="invoice.upcoming")["data"]
    assert lines_of(event["data"]["object"]) == monthly
    assert lines_of(preview(world, subscription=plan.id)) == [("Late", 300)]


def test_a_pending_update_is_given_up_for_the_asking(world: World) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Basic", usd=100))
    anna.pays_with("declining")
    world.at("2025-05-16 12:00")
    pro = {"items": [{"id": item_of(plan), "price": world.plan("Pro", usd=200)}]}
    paid = {"proration_behavior": "always_invoice", "payment_behavior": "pending_if_incomplete"}
    assert plan.update(**pro, **paid)["pending_update"]
    details = {"items": [{"id": item_of(plan), "quantity": 3}]}
    shown = preview(world, subscription=plan.id, subscription_details=details)
    assert plan.now["pending_update"]
    anna.pays_with("visa")
    plan.update(**details)
    world.at("2025-06-01 01:00")
    assert last_invoice_lines(anna) == lines_of(shown)


def test_of_a_customer_it_is_what_waits_or_renews_first(world: World) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    assert refused_preview(world, customer=anna.id) == (404, "invoice_upcoming_none", None)
    anna.owes(700, "Setup")
    assert lines_of(preview(world, customer=anna.id)) == [("Setup", 700)]
    extra = [{"amount": 300, "currency": "usd", "description": "More"}]
    assert sorted(lines_of(preview(world, customer=anna.id, invoice_items=extra))) == [
        ("More", 300),
        ("Setup", 700),
    ]
    anna.subscribes_to(world.plan("Year", every="year", usd=100))
    anna.subscribes_to(world.plan("Month", usd=10))
    assert ("1 × Month (at $10.00 / month)", 1000) in lines_of(preview(world, customer=anna.id))


def test_nothing_to_come_is_a_404(world: World) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Month", usd=10))
    plan.update(cancel_at_period_end=True)
    assert refused_preview(world, subscription=plan.id) == (404, "invoice_upcoming_none", None)
    assert refused_preview(world) == (400, "parameter_missing", "customer")


def test_the_first_invoice_of_one_that_is_not_there_yet(world: World) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    seat = world.plan("Seat", usd=15)
    details = {"items": [{"price": seat, "quantity": 2}]}
    shown = preview(world, customer=anna.id, subscription_details=details)
    assert (shown["status"], shown["number"], shown["total"]) == ("draft", None, 3000)
    trial = {**details, "trial_end": int(moment("2025-05-15").timestamp())}
    assert preview(world, customer=anna.id, subscription_details=trial)["total"] == 0
    world.check_events([])
    assert world.get("/v1/subscriptions", customer=anna.id)["data"] == []
    anna.subscribes_to({"price": seat, "quantity": 2})
    assert last_invoice_lines(anna) == lines_of(shown)


def test_a_pause_and_what_comes_after_it(world: World) -> None:
    anna, plan = with_seats(world)
    details: dict[str, Any] = {"pause": {"invoicing_behavior": "invoice"}}
    shown = preview(world, subscription=plan.id, subscription_details=details)
    world.post(f"/v1/subscriptions/{plan.id}/pause", invoicing_behavior="invoice")
    assert last_invoice_lines(anna) == lines_of(shown)
    world.at("2025-05-20")
    shown = preview(world, subscription=plan.id, subscription_details={"resume_at": "now"})
    world.post(f"/v1/subscriptions/{plan.id}/resume")
    assert last_invoice_lines(anna) == lines_of(shown)
    world.at("2025-05-20 00:01")
    assert anna.last_invoice.status == "paid"
