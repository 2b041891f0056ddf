"""How is an invoice of a subscription revised: its periods, revenue, usage and prorations (§7.1)?"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billow.app import App
from tests.flows.conftest import Worlds
from tests.support.world import Customer, Invoice, Subscription, World

SENT = {"collection_method": "send_invoice", "days_until_due": 90}


@pytest.fixture
def anna(world: World) -> Customer:
    world.at("2025-01-01")
    return world.customer("anna")


def revised(original: Invoice, **more: Any) -> Invoice:
    form = {"from_invoice": {"action": "revision", "invoice": original.data["id"]}, **more}
    return Invoice(original.world, original.world.post("/v1/invoices", **form))


def latest(subscription: Subscription) -> Invoice:
    world = subscription.world
    return Invoice(world, world.get(f"/v1/invoices/{subscription.now['latest_invoice']}"))


def earned(app: App, world: World, of: str = "") -> dict[str, int]:
    """Return the revenue by month, of a customer or of all."""
    with app.db.transaction(world.api.tenant) as tx:
        found = tx.all(
            "select to_char(created, 'YYYY-MM') as month, sum(case when credit ^@ 'revenue:' then amount"
            " else -amount end)::bigint as amount from ledger_transfers"
            " where (credit ^@ 'revenue:' or debit ^@ 'revenue:') and (%(of)s = '' or customer = %(of)s)"
            " group by 1 order by 1",
            of=of,
        )
    return {row["month"]: row["amount"] for row in found}


def balances(app: App, world: World, customer: str) -> dict[str, int]:
    """Return what is on each kind of account by a customer's transfers, but what is zero."""
    with app.db.transaction(world.api.tenant) as tx:
        found = tx.all(
            "select split_part(account, ':', 1) as account, sum(amount)::bigint as amount from ("
            " select debit as account, amount, customer from ledger_transfers"
            " union all select credit, -amount, customer from ledger_transfers) sides"
            " where customer = %(customer)s group by 1 having sum(amount) <> 0",
            customer=customer,
        )
    return {row["account"]: row["amount"] for row in found}


def draft_first(subscription: Subscription) -> Invoice:
    """Return the first invoice of a subscription, finalized: one that is sent is a draft at first."""
    first = latest(subscription)
    if first.status == "draft":
        first.does("finalize")
    return first


def test_months_that_are_over_keep_their_revenue(app: App, world: World, anna: Customer) -> None:
    """31.00 for January, revised at half of it on the 11th of February: January keeps 31.00.

    February takes 31.00 back and has 15.50 again, beside its own 28.00; the renewal is as it was.
    """
    subscription = anna.subscribes_to(world.plan("Pro", usd=31), **SENT)
    original = draft_first(subscription)
    world.at("2025-02-11")
    draft = revised(original, discounts=[{"coupon": world.coupon(percent_off=50, duration="once")}])
    assert (draft.data["billing_reason"], draft.data["total"]) == ("manual", 1550)
    assert earned(app, world) == {"2025-01": 3100}
    draft.does("finalize")
    assert (original.status, draft.status) == ("void", "open")
    assert latest(subscription).data["id"] not in (original.data["id"], draft.data["id"])
    assert earned(app, world) == {"2025-01": 3100, "2025-02": -1550}
    world.at("2025-03-01")
    assert earned(app, world) == {"2025-01": 3100, "2025-02": -1550 + 3100}
    world.at("2025-03-02")
    assert [invoice.data["total"] for invoice in anna.invoices] == [3100, 3100, 1550, 3100]


def test_a_period_that_goes_on_is_earned_from_its_revision(app: App, world: World, anna: Customer) -> None:
    """Revised on the 11th, nothing is earned yet; on the 1st of February all of what it bills now is.

    A change of plan in mid-period credits the half that the revision bills, not what its original did.
    """
    subscription = anna.subscribes_to(world.plan("Pro", usd=31), **SENT)
    original = draft_first(subscription)
    world.at("2025-01-11")
    draft = revised(original, discounts=[{"coupon": world.coupon(percent_off=50, duration="once")}])
    assert draft.data["billing_reason"] == "subscription_create"
    draft.does("finalize")
    assert latest(subscription).data["id"] == draft.data["id"]
    [item] = subscription.now["items"]["data"]
    subscription.update(items=[{"id": item["id"], "price": world.plan("Max", usd=62)}])
    assert sorted(one["amount"] for one in pending(world, anna)) == [-1050, 4200]
    world.at("2025-02-02")
    assert earned(app, world)["2025-01"] == 1550 + 4200 - 1050
    latest(subscription).reads("""
        Unused time on Pro after 11 Jan 2025 (with 50.0% off)  -10.50
        Remaining time on Max after 11 Jan 2025                42.00
        1 × Max (at $62.00 / month)                            62.00
        Total 93.50                                            open
    """)


def pending(world: World, customer: Customer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.get("/v1/invoiceitems", customer=customer.id, pending=True)["data"]
    return found


def test_usage_is_billed_once(world: World, anna: Customer) -> None:
    """What was used before is on the revision as its original counted it; the renewal bills what follows."""
    tiers = [(100, "10"), ("inf", "5")]
    meter = world.meter("calls")
    subscription = anna.subscribes_to(world.metered("Calls", meter, tiers=tiers), **SENT)
    world.at("2025-01-16")
    anna.uses("calls", 150, "2025-01-15")
    world.at("2025-02-01 02:00")
    original = latest(subscription)
    assert original.data["total"] == 1250
    draft = revised(original)
    draft.does("add_lines", lines=[{"amount": -250, "description": "Our fault"}])
    draft.does("finalize")
    assert [line["amount"] for line in draft.data["lines"]["data"]] == [1000, 250, -250]
    world.at("2025-02-16")
    anna.uses("calls", 20, "2025-02-15")
    world.at("2025-03-01 02:00")
    assert latest(subscription).data["total"] == 200


def test_prorations_move_with_their_lines(world: World, anna: Customer) -> None:
    """An upgrade that is invoiced at once and revised is credited from the revision; one removed is not."""
    subscription = anna.subscribes_to(world.plan("Pro", usd=31), **SENT)
    draft_first(subscription)
    world.at("2025-01-11")
    [item] = subscription.now["items"]["data"]
    upgrade = {"id": item["id"], "price": world.plan("Max", usd=62)}
    subscription.update(items=[upgrade], proration_behavior="always_invoice")
    original = draft_first(subscription)
    assert [line["amount"] for line in original.data["lines"]["data"]] == [-2100, 4200]
    draft = revised(original, description="With the number of the order")
    details = [line["parent"]["subscription_item_details"] for line in draft.data["lines"]["data"]]
    assert [one["proration"] for one in details] == [True, True]
    assert details[0]["proration_details"]["credited_items"]
    draft.does("finalize")
    world.at("2025-01-21")
    subscription.update(items=[{"id": item["id"], "price": world.plan("Mini", usd=3.1)}])
    assert sorted(one["amount"] for one in pending(world, anna)) == [-2200, 110]


def test_a_proration_that_a_revision_removes_is_credited_no_more(world: World, anna: Customer) -> None:
    subscription = anna.subscribes_to(world.plan("Pro", usd=31), **SENT)
    draft_first(subscription)
    world.at("2025-01-11")
    [item] = subscription.now["items"]["data"]
    upgrade = {"id": item["id"], "price": world.plan("Max", usd=62)}
    subscription.update(items=[upgrade], proration_behavior="always_invoice")
    original = draft_first(subscription)
    draft = revised(original)
    charge = draft.data["lines"]["data"][1]["id"]
    path = f"/v1/invoices/{draft.data['id']}/remove_lines"
    unassigned = world.refused(path, lines=[{"id": charge, "behavior": "unassign"}])
    assert unassigned["param"] == "lines[0][behavior]"
    draft.does("remove_lines", lines=[{"id": charge, "behavior": "delete"}])
    draft.does("finalize")
    assert draft.data["total"] == -2100
    world.at("2025-01-21")
    subscription.update(items=[{"id": item["id"], "price": world.plan("Mini", usd=3.1)}])
    assert [one["amount"] for one in pending(world, anna)] == [110]


def test_a_subscription_is_active_when_the_revision_is_paid(world: World, anna: Customer) -> None:
    """Its renewal failed, and it is past due until the revision of that is paid."""
    subscription = anna.subscribes_to(world.plan("Pro", usd=31))
    anna.pays_with("declining")
    world.at("2025-02-01 02:00")
    original = latest(subscription)
    assert (subscription.status, original.status) == ("past_due", "open")
    draft = revised(original)
    draft.does("add_lines", lines=[{"amount": -100, "description": "Sorry"}])
    draft.does("finalize")
    assert (subscription.status, original.status) == ("past_due", "void")
    method = anna.pays_with("visa")
    draft.does("pay", payment_method=method)
    assert (subscription.status, draft.data["amount_paid"]) == ("active", 3000)


def test_a_revision_that_is_deleted_leaves_everything(world: World, anna: Customer) -> None:
    subscription = anna.subscribes_to(world.plan("Pro", usd=31), **SENT)
    original = draft_first(subscription)
    draft = revised(original)
    world.delete(f"/v1/invoices/{draft.data['id']}")
    assert original.status == "open"
    world.at("2025-01-11")
    [item] = subscription.now["items"]["data"]
    subscription.update(items=[{"id": item["id"], "price": world.plan("Max", usd=62)}])
    assert sorted(one["amount"] for one in pending(world, anna)) == [-2100, 4200]


def test_what_a_pending_change_waits_for_is_not_revised(world: World, anna: Customer) -> None:
    subscription = anna.subscribes_to(world.plan("Pro", usd=31))
    anna.pays_with("declining")
    [item] = subscription.now["items"]["data"]
    subscription.update(
        items=[{"id": item["id"], "price": world.plan("Max", usd=62)}],
        payment_behavior="pending_if_incomplete",
        proration_behavior="always_invoice",
    )
    assert subscription.now["pending_update"]
    wanted = {"action": "revision", "invoice": anna.last_invoice.data["id"]}
    assert "waits until this invoice is paid" in world.refused("/v1/invoices", from_invoice=wanted)["message"]


STEPS = st.lists(
    st.sampled_from(["revise", "discount", "month", "week", "up", "down"]), min_size=3, max_size=7
)


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_revising_changes_nothing_but_what_is_revised(app: App, worlds: Worlds, steps: list[str]) -> None:
    """Anna's invoices are revised, and Ben's are not; at the end both owe, have earned and defer the same.

    A discount is given to both: to Anna by a revision, to Ben by a revision as well, once.
    """
    world = worlds()
    world.at("2025-01-01")
    both = [world.customer("anna"), world.customer("ben")]
    plans = {"up": world.plan("Max", usd=62), "down": world.plan("Mini", usd=7)}
    calls = world.metered("Calls", world.meter("calls"), tiers=[(3, "100"), ("inf", "7")])
    pro = world.plan("Pro", usd=31)
    taxed = {"default_tax_rates": [world.tax(25)], **SENT}
    subscriptions = [one.subscribes_to(pro, calls, **taxed) for one in both]
    [draft_first(one) for one in subscriptions]
    half = world.coupon(percent_off=50, duration="once")
    weeks = 0
    for step in [*steps, "month"]:
        if step in ("week", "month"):
            weeks += 1 if step == "week" else 4
            world.at(instant(weeks))
            for customer in both:
                customer.uses("calls", 2, instant(weeks, before=True))
        elif step == "discount":
            open_ones = [one for one in map(draft_first, subscriptions) if one.status == "open"]
            [revised(one, discounts=[{"coupon": half}]).does("finalize") for one in open_ones]
        elif step == "revise":
            if (original := draft_first(subscriptions[0])).status == "open":
                revised(original).does("finalize")
            draft_first(subscriptions[1])
        else:
            for subscription in subscriptions:
                licensed = subscription.now["items"]["data"][0]["id"]
                how = {"proration_behavior": "always_invoice"} if weeks % 2 else {}
                subscription.update(items=[{"id": licensed, "price": plans[step]}], **how)
    mine, others = (Counter(balances(app, world, one.id)) for one in both)
    assert mine == others
    assert sum(earned(app, world, both[0].id).values()) == sum(earned(app, world, both[1].id).values())
    mine, others = (Counter(earned(app, world, one.id)) for one in both)
    assert mine == others


def instant(weeks: int, *, before: bool = False) -> str:
    """Return an instant some weeks after the start, or an hour before it."""
    at = datetime(2025, 1, 1, 12) + timedelta(weeks=weeks) - timedelta(hours=before)
    return f"{at:%Y-%m-%d %H:%M}"
