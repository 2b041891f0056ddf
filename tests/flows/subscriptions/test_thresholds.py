"""Use is billed in mid-period when what is owed for it reaches a threshold (§4.5, X32 to X36)."""

import json
from typing import Any

import pytest

from billow.flows.usage import threshold_checks
from billow.store.tx import Tx
from tests.support.world import OPENED, PAID, Customer, Subscription, World, moment

STEPS = [(10_000, "50"), ("inf", "40")]
OWED = {"amount_gte": 10_000}


def begun(world: World, mode: str = "graduated", **more: Any) -> tuple[Customer, Subscription]:
    """Calls at 0.50 up to 10,000 and 0.40 above, since the first of January; it is the tenth."""
    world.at("2025-01-01")
    anna = world.customer("anna")
    calls = world.metered("Calls", world.meter("calls"), tiers=STEPS, mode=mode)
    item = {"price": calls, **more.pop("item", {})}
    plan = anna.subscribes_to(item, *more.pop("also", []), **more)
    world.at("2025-01-10")
    return anna, plan


def uses(anna: Customer, value: int, when: str = "2025-01-09") -> None:
    anna.uses("calls", value, when)
    anna.world.work()


def totals(anna: Customer) -> list[int]:
    return [invoice.data["total"] for invoice in anna.invoices]


def test_graduated_use_is_billed_in_steps_of_a_hundred_dollars_x32(world: World) -> None:
    anna, plan = begun(world, billing_thresholds=OWED)
    uses(anna, 199)
    assert totals(anna) == []
    uses(anna, 1)
    assert totals(anna) == [10_000]
    invoice = anna.last_invoice.data
    assert (invoice["status"], invoice["billing_reason"]) == ("draft", "subscription_threshold")
    assert invoice["automatically_finalizes_at"] == world.seconds + 3600
    assert invoice["threshold_reason"] == {"amount_gte": 10_000, "item_reasons": []}
    assert plan.now["latest_invoice"] == invoice["id"]
    assert plan.period == ("2025-01-01", "2025-02-01")
    uses(anna, 9_600)
    uses(anna, 200)
    assert totals(anna) == [10_000, 480_000, 10_000]
    uses(anna, 249)
    assert len(totals(anna)) == 3
    uses(anna, 1)
    assert totals(anna) == [10_000, 480_000, 10_000, 10_000]
    world.at("2025-01-10 01:00")
    anna.last_invoice.reads("""
        250 × Calls (Tier 2 at $0.40 / month)   100.00
        Total 100.00                            paid""")
    world.at("2025-02-01 01:00")
    anna.last_invoice.reads("""
        0 × Calls (Tier 2 at $0.40 / month)   0.00
        Total 0.00                            paid""")
    world.at("2025-02-10")
    uses(anna, 200, "2025-02-09")
    world.at("2025-02-10 01:00")
    anna.last_invoice.reads("""
        200 × Calls (Tier 1 at $0.50 / month)   100.00
        Total 100.00                            paid""")


def test_what_is_told_of_it(world: World) -> None:
    anna, _ = begun(world, billing_thresholds=OWED)
    uses(anna, 200)
    world.check_events(["customer.subscription.updated", "invoice.created"])
    world.at("2025-01-10 01:00", expect=[*OPENED, *PAID])


@pytest.mark.parametrize(
    ("id", "total", "due"),
    [("X33", 10_000, 500_000), ("X34", 10_001, -99_960), ("X35", 12_500, 0), ("X36", 25_000, 500_000)],
)
def test_volume_use_is_billed_by_the_difference(world: World, id: str, total: int, due: int) -> None:
    """X33 to X36: what all of it costs, less the 5,000.00 that 10,000 cost before."""
    anna, _ = begun(world, "volume", billing_thresholds={"amount_gte": 500_000})
    uses(anna, 10_000)
    assert totals(anna) == [500_000]
    if total > 10_000:
        uses(anna, total - 10_000)
    now = total == 25_000
    assert len(totals(anna)) == 1 + now
    world.at("2025-02-01 01:00")
    assert sum(totals(anna)) == {"X33": 500_000}.get(id, 500_000 + due)
    if now:
        anna.invoices[1].reads("""
            25000 × Calls (Tier 2 at $0.40 / month)   10000.00
            Amount previously billed                  -5000.00
            Total 5000.00                             paid""")


def test_the_renewal_bills_the_rest_by_the_difference(world: World) -> None:
    anna, _ = begun(world, billing_thresholds={"amount_gte": 450_000})
    uses(anna, 9_900)
    uses(anna, 200)
    world.at("2025-02-01 01:00")
    anna.last_invoice.reads("""
        100 × Calls (Tier 1 at $0.50 / month)   50.00
        100 × Calls (Tier 2 at $0.40 / month)   40.00
        Total 90.00                             paid""")


def test_what_comes_late_is_billed_once_with_what_follows(world: World) -> None:
    anna, _ = begun(world, billing_thresholds={"amount_gte": 450_000})
    uses(anna, 9_900)
    world.at("2025-01-10 00:30")
    uses(anna, 10, "2025-01-08")  # in the hour of the draft, which stays as it is (§4.5)
    world.at("2025-01-10 01:00")
    assert totals(anna) == [495_000]
    uses(anna, 90, "2025-01-07")  # and after it
    world.at("2025-02-01 00:30")
    assert totals(anna) == [495_000, 5_000]
    anna.uses("calls", 10, "2025-01-06")  # in the hour of the renewal, which keeps the difference
    world.at("2025-02-01 01:00")
    anna.last_invoice.reads("""
        100 × Calls (Tier 1 at $0.50 / month)   50.00
        10 × Calls (Tier 2 at $0.40 / month)    4.00
        Total 54.00                             paid""")


def test_a_number_of_units_of_an_item_is_a_threshold_too(world: World, contract: Any) -> None:
    anna, plan = begun(world, item={"billing_thresholds": {"usage_gte": 50}})
    assert plan.now["items"]["data"][0]["billing_thresholds"] == {"usage_gte": 50}
    uses(anna, 49)
    assert totals(anna) == []
    uses(anna, 2)
    assert totals(anna) == [2_550]
    invoice = anna.last_invoice.data
    [line] = invoice["lines"]["data"]
    reason = {"line_item_ids": [line["id"]], "usage_gte": 50}
    assert invoice["threshold_reason"] == {"amount_gte": None, "item_reasons": [reason]}
    for shown in (plan.now, plan.now["items"]["data"][0], invoice, line):
        assert contract.problems(shown) == []
        assert set(contract.absent(shown)) <= {"confirmation_secret", "payments"}  # only when included
    uses(anna, 49)
    assert len(totals(anna)) == 1
    uses(anna, 1)
    assert totals(anna) == [2_550, 2_500]


def test_licences_do_not_count_and_what_waits_does(world: World) -> None:
    anna, _ = begun(world, also=[world.plan("Base", usd=500)], billing_thresholds=OWED)
    anna.owes(9_000)
    uses(anna, 19)
    assert totals(anna) == [50_000]
    uses(anna, 1)
    assert totals(anna) == [50_000, 10_000]
    anna.last_invoice.reads("""
        Work                                   90.00
        20 × Calls (Tier 1 at $0.50 / month)   10.00
        Total 100.00                           draft""")


def test_what_is_owed_is_what_discounts_leave(world: World) -> None:
    half = world.post("/v1/coupons", percent_off=50, duration="forever")["id"]
    anna, _ = begun(world, "volume", billing_thresholds=OWED, discounts=[{"coupon": half}])
    uses(anna, 399)
    assert totals(anna) == []
    uses(anna, 1)
    assert totals(anna) == [10_000]
    world.at("2025-01-11")
    uses(anna, 100)
    world.at("2025-02-01 01:00")
    assert totals(anna) == [10_000, 2_500]


def test_the_anchor_moves_to_the_crossing_where_that_is_agreed(world: World) -> None:
    anna, plan = begun(
        world,
        also=[world.plan("Base", usd=31)],
        billing_thresholds={**OWED, "reset_billing_cycle_anchor": True},
    )
    uses(anna, 200)
    anna.last_invoice.reads("""
        Unused time on Base after 10 Jan 2025   -22.00
        200 × Calls (Tier 1 at $0.50 / month)   100.00
        1 × Base (at $31.00 / month)            31.00
        Total 109.00                            draft""")
    assert anna.last_invoice.data["billing_reason"] == "subscription_threshold"
    assert plan.now["billing_cycle_anchor"] == world.seconds
    assert plan.period == ("2025-01-10", "2025-02-10")
    world.at("2025-01-10 00:30")
    uses(anna, 10)  # late, of the period that has ended: as at every end, it counts while the draft stands
    world.at("2025-01-10 01:00")
    assert anna.last_invoice.data["total"] == 10_900 + 500
    world.at("2025-02-10 01:00")
    assert anna.last_invoice.data["total"] == 3_100


def test_trials_and_the_last_day_of_a_period_have_none(world: World) -> None:
    anna, _ = begun(world, billing_thresholds=OWED, trial_period_days=14)
    uses(anna, 1_000)
    assert totals(anna) == []
    world.at("2025-02-14 00:00")  # the period ends on the 15th
    uses(anna, 1_000, "2025-02-13")
    assert totals(anna) == [0]
    world.at("2025-02-15 01:00")
    assert anna.last_invoice.data["total"] == 50_000


def test_a_threshold_is_changed_taken_away_and_looked_at_when_it_is_new(world: World) -> None:
    anna, plan = begun(world)
    uses(anna, 300)
    plan.update(billing_thresholds={"amount_gte": 20_000})
    world.work()
    assert totals(anna) == []
    assert plan.update(billing_thresholds="")["billing_thresholds"] is None
    item = plan.now["items"]["data"][0]["id"]
    path = f"/v1/subscription_items/{item}"
    changed = world.post(path, billing_thresholds={"usage_gte": 400})
    assert changed["billing_thresholds"] == {"usage_gte": 400}
    world.work()
    assert totals(anna) == []
    assert world.post(path, billing_thresholds="")["billing_thresholds"] is None
    uses(anna, 300)
    assert totals(anna) == []
    plan.update(billing_thresholds={"amount_gte": 30_000})
    world.work()
    assert totals(anna) == [30_000]


def test_only_measured_use_has_one_and_no_less_than_fifty_cents(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    base = world.plan("Base", usd=10)
    wrong = {"customer": anna.id, "items": [{"price": base, "billing_thresholds": {"usage_gte": 5}}]}
    assert world.refused("/v1/subscriptions", **wrong)["param"] == "items[0][billing_thresholds]"
    wrong = {"customer": anna.id, "items": [{"price": base}], "billing_thresholds": {"amount_gte": 49}}
    assert world.refused("/v1/subscriptions", **wrong)["param"] == "billing_thresholds[amount_gte]"


def test_another_price_in_mid_period_begins_its_own_count(world: World) -> None:
    anna, plan = begun(world, billing_thresholds={"amount_gte": 450_000})
    uses(anna, 9_900)
    uses(anna, 200)
    item = plan.now["items"]["data"][0]
    new = world.metered("Calls", item["price"]["recurring"]["meter"], tiers=[(10, "100"), ("inf", "10")])
    world.at("2025-01-11")
    plan.update(items=[{"id": item["id"], "price": new}])
    world.at("2025-01-12")
    uses(anna, 20, "2025-01-11 12:00")
    world.at("2025-02-01 01:00")
    anna.last_invoice.reads("""
        100 × Calls (Tier 1 at $0.50 / month)   50.00
        100 × Calls (Tier 2 at $0.40 / month)   40.00
        10 × Calls (Tier 1 at $1.00 / month)    10.00
        10 × Calls (Tier 2 at $0.10 / month)    1.00
        Total 101.00                            paid""")


def test_it_ends_with_the_rest(world: World) -> None:
    anna, plan = begun(world, billing_thresholds=OWED)
    uses(anna, 200)
    uses(anna, 50)
    plan.cancels(invoice_now=True)
    assert totals(anna) == [10_000, 2_500]
    uses(anna, 1_000)
    assert totals(anna) == [10_000, 2_500]


def test_a_pause_keeps_drafts_and_ends_the_count(world: World) -> None:
    anna, plan = begun(world, billing_thresholds=OWED)
    plan.update(pause_collection={"behavior": "keep_as_draft"})
    uses(anna, 200)
    assert anna.last_invoice.data["automatically_finalizes_at"] is None
    plan.update(pause_collection="")
    uses(anna, 50)
    world.at("2025-01-11")
    world.post(f"/v1/subscriptions/{plan.id}/pause", type="subscription", invoicing_behavior="invoice")
    assert totals(anna) == [10_000, 2_500]
    uses(anna, 1_000, "2025-01-11")
    assert totals(anna) == [10_000, 2_500]
    world.at("2025-01-20")
    world.post(f"/v1/subscriptions/{plan.id}/resume")
    world.at("2025-01-21")
    uses(anna, 200, "2025-01-20 12:00")
    assert totals(anna) == [10_000, 2_500, 10_000]


def test_ingestion_asks_for_thresholds_only_where_there_are_any(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two statements a batch, however many customers; none in an account without thresholds."""
    seen: list[str] = []
    for name in ("all", "one", "tuples", "run"):
        real = getattr(Tx, name)

        def told(self: Tx, sql: str, real: Any = real, **params: Any) -> Any:
            seen.append(sql)
            return real(self, sql, **params)

        monkeypatch.setattr(Tx, name, told)
    anna, plan = begun(world)
    bert = world.customer("bert")
    bert.subscribes_to(plan.now["items"]["data"][0]["price"]["id"])

    def statements(*people: Customer) -> int:
        payloads = [{"stripe_customer_id": one.id, "value": 1} for one in people]
        events = [{"event_name": "calls", "timestamp": world.seconds, "payload": each} for each in payloads]
        seen.clear()
        bulk = world.api.ask(
            "POST", "/v1/billing/meter_events/bulk", data=json.dumps(events), content_type="application/json"
        )
        assert bulk["accepted"] == len(people)
        return len(seen)

    plain = statements(anna, bert)
    plan.update(billing_thresholds=OWED)
    assert statements(bert) == plain + 1
    assert statements(anna) == statements(anna, bert) == plain + 2
    assert threshold_checks.CONCERNED in seen


def in_one_second(world: World) -> tuple[Customer, Subscription]:
    """It is the tenth; 190 calls of the ninth and 10 of this second are billed, 40 more came since."""
    anna, plan = begun(world, billing_thresholds=OWED)
    uses(anna, 190)
    uses(anna, 10, "2025-01-10")
    assert totals(anna) == [10_000]
    uses(anna, 30)
    uses(anna, 10, "2025-01-10")
    return anna, plan


def billed_units(anna: Customer) -> int:
    """What all lines say that was used."""
    pages = [anna.world.get(f"/v1/invoices/{one.data['id']}/lines") for one in anna.invoices]
    return sum(line["quantity"] for page in pages for line in page["data"])


@pytest.mark.parametrize("since", [None, "2025-01-05"])
def test_a_price_that_changes_in_the_second_of_a_threshold_loses_no_use(
    world: World, since: str | None
) -> None:
    anna, plan = in_one_second(world)
    item = plan.now["items"]["data"][0]
    new = world.metered("New", item["price"]["recurring"]["meter"], cents="100")
    dated = {"proration_date": int(moment(since).timestamp())} if since else {}
    plan.update(items=[{"id": item["id"], "price": new}], **dated)
    uses(anna, 3, "2025-01-10")  # the second of the threshold is billed whole at the price of before
    world.at("2025-01-12")
    uses(anna, 5, "2025-01-11")
    world.at("2025-02-01 01:00")
    anna.last_invoice.reads("""
        43 × Calls (Tier 1 at $0.50 / month)   21.50
        5 × New (at $1.00 / month)             5.00
        Total 26.50                            paid""")
    assert billed_units(anna) == 200 + 43 + 5


def test_a_pause_in_the_second_of_a_threshold_loses_no_use(world: World) -> None:
    anna, plan = in_one_second(world)
    world.post(f"/v1/subscriptions/{plan.id}/pause", invoicing_behavior="invoice")
    assert totals(anna) == [10_000, 2_000]
    world.post(f"/v1/subscriptions/{plan.id}/resume")
    world.at("2025-01-12")
    uses(anna, 5, "2025-01-11")
    world.at("2025-02-10 01:00")
    assert billed_units(anna) == 200 + 40 + 5


def test_an_end_in_the_second_of_a_threshold_loses_no_use(world: World) -> None:
    anna, plan = in_one_second(world)
    plan.cancels(invoice_now=True)
    world.at("2025-01-10 01:00")
    assert totals(anna) == [10_000, 2_000]
    assert billed_units(anna) == 200 + 40


def test_what_is_dropped_in_the_second_of_a_threshold_is_not_billed_again(world: World) -> None:
    anna, plan = in_one_second(world)
    item = plan.now["items"]["data"][0]
    new = world.metered("New", item["price"]["recurring"]["meter"], cents="100")
    plan.update(items=[{"id": item["id"], "price": new, "clear_usage": True}])
    world.at("2025-01-12")
    uses(anna, 5, "2025-01-11")
    world.at("2025-02-01 01:00")
    assert billed_units(anna) == 200 + 5
