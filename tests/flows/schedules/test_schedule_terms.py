"""What may be asked of a schedule and of its phases, first and later (§6)?"""

from typing import Any

import pytest

from billow.api import rows
from billow.app import App
from billow.flows.subscription_changes import sync_schedule
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from tests.support.world import Schedule, World, moment, months, of, plans, seconds


def test_a_subscription_is_taken_over_as_it_is(world: World) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    own = anna.subscribes_to({"price": gold, "quantity": 2}, description="Mine", metadata={"a": "1"})
    world.at("2025-01-10")
    plan = Schedule(world, world.post("/v1/subscription_schedules", from_subscription=own.id)["id"])
    world.check_events(["customer.subscription.updated", "subscription_schedule.created"])
    now = plan.now
    assert (now["status"], now["subscription"], own.now["schedule"]) == ("active", own.id, plan.id)
    assert (now["end_behavior"], now["default_settings"]["description"]) == ("release", "Mine")
    [phase] = now["phases"]
    assert plan.dates == [("2025-01-01", "2025-02-01")]
    assert [(item["price"], item["quantity"]) for item in phase["items"]] == [(gold, 2)]
    pro = world.plan("Pro", usd=30)
    own_phase = {"items": phase["items"], "start_date": phase["start_date"], "end_date": phase["end_date"]}
    own_phase["items"] = [{"price": gold, "quantity": 2}]
    plan.update(phases=[own_phase, {"items": of(pro), "duration": months(1)}])
    world.at("2025-02-01 01:00")
    anna.last_invoice.reads("""
        1 × Pro (at $30.00 / month)   30.00
        Total 30.00                   paid""")


def test_taking_over_takes_nothing_else_and_only_once(world: World) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    own = anna.subscribes_to(gold)
    for more in ({"end_behavior": "cancel"}, {"billing_mode": {"type": "classic"}}, {"customer": anna.id}):
        refusal = world.refused("/v1/subscription_schedules", from_subscription=own.id, **more)
        assert refusal["status"] == 400 and refusal["param"] == next(iter(more))
    world.post("/v1/subscription_schedules", from_subscription=own.id)
    refusal = world.refused("/v1/subscription_schedules", from_subscription=own.id)
    assert refusal["param"] == "from_subscription" and "already attached" in refusal["message"]


def test_an_update_replaces_all_that_is_not_over(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    basic, pro = world.plan("Basic", usd=10), world.plan("Pro", usd=30)
    phase = {"items": of(basic), "duration": months(1)}
    plan = plans(anna, phase, phase, phase, metadata={"a": "1"})
    world.at("2025-02-10")
    first = {**phase, "start_date": seconds("2025-02-01")}
    plan.update(phases=[first, {"items": of(pro), "duration": months(2)}], metadata={"b": "2"})
    world.check_events(["subscription_schedule.updated"])
    assert plan.dates == [
        ("2025-01-01", "2025-02-01"),
        ("2025-02-01", "2025-03-01"),
        ("2025-03-01", "2025-05-01"),
    ]
    assert plan.now["metadata"] == {"a": "1", "b": "2"}
    before = {**phase, "start_date": seconds("2025-01-01")}
    plan.update(phases=[before, first])
    assert plan.dates == [("2025-01-01", "2025-02-01"), ("2025-02-01", "2025-03-01")]
    world.at("2025-03-01")
    assert plan.status == "released"


@pytest.mark.parametrize(("behavior", "pending", "bills"), [
    (None, [-645, 1935], []),
    ("none", [], []),
    ("always_invoice", [], [1290]),
])  # fmt: skip
def test_a_change_of_the_current_phase_prorates_as_the_request_says(
    world: World, behavior: str | None, pending: list[int], bills: list[int]
) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    basic, pro = world.plan("Basic", usd=10), world.plan("Pro", usd=30)
    plan = plans(anna, {"items": of(basic), "duration": months(2)})
    world.at("2025-01-12")
    phase = {"items": of(pro), "duration": months(2), "start_date": seconds("2025-01-01")}
    phase["proration_behavior"] = "none"  # of the transition into it, which is long over
    plan.update(phases=[phase], proration_behavior=behavior)
    waiting = world.get("/v1/invoiceitems", customer=anna.id, pending=True)["data"]
    assert [item["amount"] for item in waiting] == pending
    assert [invoice.data["total"] for invoice in anna.invoices][1:] == bills
    assert all(invoice.status == "paid" for invoice in anna.invoices)
    [item] = plan.subscription.now["items"]["data"]
    assert item["price"]["id"] == pro


def test_the_current_phase_is_cut_by_now(world: World) -> None:
    world.at("2025-04-01")
    anna = world.customer("anna")
    basic, pro = world.plan("Basic", usd=10), world.plan("Pro", usd=30)
    plan = plans(anna, {"items": of(basic), "duration": months(6)})
    world.at("2025-04-16")
    phase = {"items": of(basic), "start_date": seconds("2025-04-01"), "end_date": "now"}
    plan.update(phases=[phase, {"items": of(pro), "start_date": "now", "end_date": seconds("2025-06-01")}])
    assert plan.dates == [("2025-04-01", "2025-04-16"), ("2025-04-16", "2025-06-01")]
    assert plan.now["current_phase"]["start_date"] == seconds("2025-04-16")
    pending = world.get("/v1/invoiceitems", customer=anna.id, pending=True)["data"]
    assert [item["amount"] for item in pending] == [-500, 1500]


@pytest.mark.parametrize(("phases", "param"), [
    ([{"start_date": None}], "phases[0][start_date]"),
    ([{"start_date": "2025-02-02"}], "phases[0][start_date]"),
    ([{"start_date": "2025-01-01", "end_date": "2025-01-20"}], "phases[0][end_date]"),
    ([{"start_date": "2025-01-01"}], "phases"),
    ([{"start_date": "2025-02-01", "end_date": "2025-02-05"}], "phases[0][end_date]"),
    ([{"start_date": "2025-02-01"}, {"start_date": "2025-03-02"}], "phases[1][start_date]"),
])  # fmt: skip
def test_an_update_that_does_not_fit_the_time_is_refused(
    world: World, phases: list[dict[str, Any]], param: str
) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    phase = {"items": of(gold)}
    plan = plans(anna, phase, phase)
    world.at("2025-02-10")
    dated = [{**phase, **{name: at and seconds(at) for name, at in one.items()}} for one in phases]
    refusal = world.refused(f"/v1/subscription_schedules/{plan.id}", phases=dated)
    assert (refusal["status"], refusal["param"]) == (400, param), refusal


def test_a_schedule_that_has_not_started_can_be_moved_and_begun(world: World) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    plan = plans(anna, {"items": of(gold)}, start="2025-02-01")
    plan.update(phases=[{"items": of(gold), "start_date": seconds("2025-03-01")}])
    assert plan.dates == [("2025-03-01", "2025-04-01")]
    world.at("2025-02-02")
    assert plan.status == "not_started"
    plan.update(phases=[{"items": of(gold), "start_date": "now"}])
    assert (plan.status, plan.dates) == ("active", [("2025-02-02", "2025-03-02")])
    assert plan.subscription.status == "active"


def test_the_end_that_is_planned_follows_the_update(world: World) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    plan = plans(anna, {"items": of(gold), "duration": months(2)})
    plan.update(end_behavior="cancel")
    assert plan.subscription.now["cancel_at"] == seconds("2025-03-01")
    phase = {"items": of(gold), "duration": months(4), "start_date": seconds("2025-01-01")}
    plan.update(phases=[phase])
    assert plan.subscription.now["cancel_at"] == seconds("2025-05-01")
    plan.update(end_behavior="release")
    assert plan.subscription.now["cancel_at"] is None


def test_a_phase_overrides_what_holds_for_all_of_them(world: World) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    common = {
        "description": "Common",
        "collection_method": "send_invoice",
        "invoice_settings": {"days_until_due": 14, "footer": "Thanks"},
    }
    own = {"description": "Own", "collection_method": "charge_automatically"}
    plan = plans(
        anna,
        {"items": of(gold), "duration": months(1)},
        {"items": of(gold), "duration": months(1), **own},
        {"items": of(gold), "duration": months(1), "invoice_settings": {"days_until_due": 3}},
        default_settings=common,
    )

    def terms() -> tuple[Any, ...]:
        now = plan.subscription.now
        names = ("description", "collection_method", "days_until_due")
        return (*(now[name] for name in names), now["invoice_settings"]["footer"])

    assert terms() == ("Common", "send_invoice", 14, "Thanks")
    world.at("2025-02-01 01:00")
    assert terms() == ("Own", "charge_automatically", None, "Thanks")
    world.at("2025-03-01 01:00")
    assert terms() == ("Common", "send_invoice", 3, "Thanks")
    sent = anna.last_invoice
    assert (sent.status, sent.data["footer"]) == ("open", "Thanks")


def test_what_a_phase_said_goes_with_it_and_what_others_set_stays(world: World) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    card = anna.pays_with("mastercard")
    plan = plans(
        anna,
        {"items": of(gold), "duration": months(1), "description": "Said"},
        {"items": of(gold), "duration": months(1)},
    )
    plan.subscription.update(default_payment_method=card)
    world.at("2025-02-01 01:00")
    now = plan.subscription.now
    assert (now["description"], now["default_payment_method"]) == (None, card)


def test_an_item_that_was_changed_by_hand_is_overwritten_by_the_next_phase(world: World) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    phase = {"items": of(gold), "duration": months(1)}
    plan = plans(anna, phase, phase)
    [item] = plan.subscription.now["items"]["data"]
    plan.subscription.update(items=[{"id": item["id"], "quantity": 5}], proration_behavior="none")
    plan.update(metadata={"a": "1"})
    assert plan.subscription.now["items"]["data"][0]["quantity"] == 5
    assert plan.now["phases"][0]["items"][0]["quantity"] == 5
    world.at("2025-02-01 01:00")
    assert plan.subscription.now["items"]["data"][0]["quantity"] == 1


def test_thresholds_are_those_of_the_phase(world: World) -> None:
    world.at("2025-01-01")
    anna, calls = world.customer("anna"), world.metered("Calls", world.meter("calls"), cents="10")
    plan = plans(
        anna,
        {"items": of({"price": calls, "billing_thresholds": {"usage_gte": 100}}), "duration": months(1)},
        {"items": of(calls), "duration": months(1), "billing_thresholds": {"amount_gte": 5000}},
        {"items": of(calls), "duration": months(1)},
    )

    def limits() -> tuple[Any, Any]:
        now = plan.subscription.now
        whole = now["billing_thresholds"]
        return now["items"]["data"][0]["billing_thresholds"], whole and whole["amount_gte"]

    assert limits() == ({"usage_gte": 100}, None)
    assert plan.now["phases"][0]["items"][0]["billing_thresholds"] == {"usage_gte": 100}
    world.at("2025-01-10")
    anna.uses("calls", 100, "2025-01-09")
    world.work()
    assert [invoice.data["billing_reason"] for invoice in anna.invoices] == ["subscription_threshold"]
    world.at("2025-02-01 02:00")
    assert limits() == (None, 5000)
    world.at("2025-03-01 02:00")
    assert limits() == (None, None)


def test_a_change_by_hand_splits_the_current_phase(world: World) -> None:
    world.at("2025-04-01")
    anna = world.customer("anna")
    gold, extra = world.plan("Gold", usd=10), world.plan("Extra", usd=2)
    phase = {"items": of(gold), "duration": months(2)}
    plan = plans(anna, phase, phase)
    world.at("2025-04-16")
    plan.subscription.update(items=[{"price": extra, "quantity": 3}])
    world.check_events(
        ["invoiceitem.created", "customer.subscription.updated", "subscription_schedule.updated"]
    )
    assert plan.dates == [
        ("2025-04-01", "2025-04-16"),
        ("2025-04-16", "2025-06-01"),
        ("2025-06-01", "2025-08-01"),
    ]
    had = [[(item["price"], item["quantity"]) for item in one["items"]] for one in plan.now["phases"]]
    assert had == [[(gold, 1)], [(gold, 1), (extra, 3)], [(gold, 1)]]
    assert plan.now["current_phase"]["start_date"] == seconds("2025-04-16")
    plan.subscription.update(description="Nothing of the items")
    assert len(plan.now["phases"]) == 3
    world.at("2025-05-20")
    world.at("2025-06-01 01:00")
    assert [item["price"]["id"] for item in plan.subscription.now["items"]["data"]] == [gold]


def test_a_change_by_hand_when_a_phase_is_over_splits_nothing(app: App, world: World) -> None:
    """As on the wall, where a worker may be late; on a test clock all that is due is done before."""
    world.at("2025-04-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    plan = plans(anna, {"items": of(gold), "duration": months(1)}, {"items": of(gold), "duration": months(1)})
    item = plan.subscription.now["items"]["data"][0]
    over = moment("2025-05-01")
    with app.db.transaction(world.api.tenant, now=over, clock=str(world.clock)) as tx:
        rows.update(tx, rows.find(tx, SubscriptionItem, item["id"]), quantity=4)
        sync_schedule.sync_schedule(tx, rows.find(tx, Subscription, plan.subscription.id))
    assert plan.dates == [("2025-04-01", "2025-05-01"), ("2025-05-01", "2025-06-01")]
    assert [phase["items"][0]["quantity"] for phase in plan.now["phases"]] == [1, 1]


def test_a_price_that_is_archived_or_made_on_the_spot_is_still_what_was_agreed(world: World) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    product = world.post("/v1/products", name="Silver")["id"]
    data = {"currency": "usd", "product": product, "unit_amount": 500, "recurring": {"interval": "month"}}
    plan = plans(
        anna,
        {"items": [{"price_data": data}], "duration": months(1)},
        {"items": of(gold), "duration": months(1)},
        {"items": [{"price_data": data}], "duration": months(1)},
    )
    world.post(f"/v1/prices/{gold}", active=False)
    spots = [plan.now["phases"][place]["items"][0]["price"] for place in (0, 2)]
    rest = [{"items": of(price), "duration": months(1)} for price in (spots[0], gold, spots[1])]
    plan.update(phases=[{**rest[0], "start_date": seconds("2025-01-01")}, *rest[1:]])
    world.at("2025-02-15")
    world.at("2025-03-01 01:00")
    assert [invoice.data["total"] for invoice in anna.invoices] == [500, 1000, 500]


def test_a_card_that_was_detached_since_is_passed_over(world: World) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    card = anna.pays_with("mastercard")
    anna.pays_with("visa")
    plan = plans(
        anna,
        {"items": of(gold), "duration": months(1)},
        {"items": of(gold), "duration": months(1), "default_payment_method": card},
    )
    world.post(f"/v1/payment_methods/{card}/detach")
    world.at("2025-02-01 01:00")
    assert plan.subscription.now["default_payment_method"] is None
    assert anna.last_invoice.status == "paid"


@pytest.mark.parametrize(("phase", "more", "param"), [
    ({"items": ["one_time"]}, {}, "phases[0][items][0][price]"),
    ({"end_date": "2024-12-01"}, {}, "phases[0][end_date]"),
    ({"end_date": "2025-03-01", "duration": months(1)}, {}, "phases[0][end_date]"),
    ({"trial": True, "billing_cycle_anchor": "phase_start"}, {}, "phases[0][billing_cycle_anchor]"),
    ({"trial_end": "2025-06-01", "duration": months(1)}, {}, "phases[0][trial_end]"),
    ({"trial": True, "duration": months(30)}, {}, "phases[0][trial_end]"),
    ({"collection_method": "send_invoice"}, {}, "phases[0][invoice_settings][days_until_due]"),
    ({"automatic_tax": {"enabled": True}}, {}, "phases[0][automatic_tax][enabled]"),
    ({"currency": "eur"}, {}, "phases[0][items]"),
    ({"items": ["threshold"]}, {}, "phases[0][items][0][billing_thresholds]"),
    ({"discounts": [{"coupon": "none"}]}, {}, "phases[0][discounts][0][coupon]"),
    ({"default_tax_rates": ["txr_none"]}, {}, "phases[0][default_tax_rates][0]"),
    ({"default_payment_method": "pm_x"}, {}, "phases[0][default_payment_method]"),
    ({"start_date": "2025-01-01"}, {}, "phases[0][start_date]"),
    ({}, {"customer": None}, "customer"),
    ({}, {"end_behavior": "renew"}, "end_behavior"),
    ({}, {"phases": []}, "phases"),
])  # fmt: skip
def test_what_could_not_be_a_subscription_is_refused_at_once(
    world: World, phase: dict[str, Any], more: dict[str, Any], param: str
) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    if phase.get("items") == ["threshold"]:  # of an item that is not measured
        phase = {"items": of({"price": gold, "billing_thresholds": {"usage_gte": 5}})}
    if phase.get("items") == ["one_time"]:
        product = world.post("/v1/products", name="Once")["id"]
        once = world.post("/v1/prices", currency="usd", unit_amount=100, product=product)["id"]
        phase = {"items": of(once)}
    dated = {
        name: seconds(at) if isinstance(at, str) and at[:2] == "20" else at for name, at in phase.items()
    }
    form = {"customer": anna.id, "phases": [{"items": of(gold), **dated}], **more}
    if not form["phases"]:
        del form["phases"]
    refusal = world.refused("/v1/subscription_schedules", **form)
    assert (refusal["status"], refusal["param"]) == (400, param), refusal


def test_phases_have_one_currency_and_there_are_ten_at_most(world: World) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    euros = world.plan("Euro", eur=10)
    form = {"customer": anna.id, "phases": [{"items": of(gold)}, {"items": of(euros)}]}
    assert world.refused("/v1/subscription_schedules", **form)["param"] == "phases[1][currency]"
    form = {"customer": anna.id, "phases": [{"items": of(gold)}] * 11}
    assert world.refused("/v1/subscription_schedules", **form)["param"] == "phases"
