"""Lost timers are found from the state of the rows, and set again as they were."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billow.app import App
from billow.flows.platform import missing_timers
from billow.store import jobs
from billow.store.tx import Tx
from tests.flows.conftest import do_what_is_due
from tests.support.world import World, moment, months, of, plans, seconds

PASSING = ["store.prune", "cards.expiring", "statements.monthly", "attempt.follow", missing_timers.JOB]
"""Timers that no state implies, or none at an exact time."""
FLEXIBLE = {"billing_mode": {"type": "flexible"}}


def timers(tx: Tx) -> list[dict[str, Any]]:
    return tx.all(
        "select kind, ref, clock, run_at from jobs where tenant = %(tenant)s and kind <> all(%(passing)s)"
        " order by kind, ref",
        tenant=tx.tenant,
        passing=PASSING,
    )


def world_with_all_timers(world: World) -> None:
    """Create something in each state that has a timer."""
    world.at("2025-01-01")
    pro, team = world.plan("Pro", usd=20), world.plan("Team", usd=200, every="year")
    anna, poor = world.customer("anna"), world.customer("poor")
    anna.subscribes_to(pro)
    anna.subscribes_to(team, cancel_at_period_end=True)
    anna.subscribes_to(pro, trial_period_days=20)
    anna.subscribes_to(pro, cancel_at=seconds("2025-03-10"))
    anna.subscribes_to(pro, pending_invoice_item_interval={"interval": "week"})
    anna.subscribes_to(pro, collection_method="send_invoice", days_until_due=30)
    kept = anna.subscribes_to(pro)
    kept.update(pause_collection={"behavior": "keep_as_draft", "resumes_at": seconds("2025-05-01")})
    poor.subscribes_to(pro)
    poor.pays_with("declining")
    plans(anna, {"items": of(pro), "duration": months(2)}, {"items": of(team), "duration": months(12)})
    plans(anna, {"items": of(pro), "duration": months(2)}, start="2025-04-01", end_behavior="cancel")
    for how in ("pending_if_incomplete", "resume"):
        slow = world.customer(how)
        plan = slow.subscribes_to(pro, **FLEXIBLE)
        world.at("2025-02-02" if how == "resume" else "2025-02-01 02:00")
        slow.pays_with("always 3DS")
        if how == "resume":
            world.post(f"/v1/subscriptions/{plan.id}/pause", type="subscription")
            world.post(f"/v1/subscriptions/{plan.id}/resume", payment_behavior="resume_on_payment_success")
        else:
            plan.update(items=[{"price": team}], payment_behavior=how, proration_behavior="always_invoice")
    poor.subscribes_to(pro, payment_behavior="default_incomplete")
    poor.subscribes_to(pro, trial_period_days=30)
    anna.is_offered(pro)
    anna.owes(500)
    anna.bills(auto_advance=True)
    anna.bills(collection_method="send_invoice", days_until_due=20).does("finalize")
    charge = {"amount": 900, "currency": "usd", "customer": anna.id, "capture": False}
    world.post("/v1/charges", **charge)
    code = {"promotion": {"type": "coupon", "coupon": world.coupon(percent_off=10, duration="once")}}
    world.post("/v1/promotion_codes", **code, expires_at=seconds("2025-06-01"), customer=anna.id)
    anna.subscribes_to(pro, **{"billing_cycle_anchor": seconds("2025-02-20")})
    world.work()


KINDS = {
    "charge.expire", "invoice.collect", "invoice.finalize", "invoice.overdue", "invoice.will_be_due",
    "invoice.remind", "promotion_code.expire", "quote.expire", "revenue.recognize", "schedule.expiring",
    "schedule.phase",
    "subscription.end", "subscription.expire", "subscription.pending_items",
    "subscription.pending_update_expires", "subscription.renew", "subscription.resume_collection",
    "subscription.resume_expires", "subscription.trial_will_end", "subscription.upcoming",
}  # fmt: skip


def test_all_timers_are_set_again_as_they_were(world: World, app: App) -> None:
    world_with_all_timers(world)
    with app.db.transaction(world.api.tenant) as tx:
        before = timers(tx)
        assert {timer["kind"] for timer in before} == KINDS
        assert missing_timers.wrong_timers(tx) == []
        tx.run(
            "delete from jobs where tenant = %(tenant)s and kind = any(%(kinds)s)",
            tenant=tx.tenant,
            kinds=list(KINDS),
        )
        found = missing_timers.wrong_timers(tx)
        assert {(one.kind, one.ref) for one in found} == {(one["kind"], one["ref"]) for one in before}
        assert missing_timers.repair(tx) == len(before)
        assert timers(tx) == before
        assert missing_timers.repair(tx) == 0


MOVES = {
    "to another time": "run_at = '2100-01-01'",
    "to another clock": "clock = 'clock_of_nobody'",
    "to the wall, years ahead": "clock = 'wall', run_at = '2100-01-01'",
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES.keys())
def test_every_timer_that_was_moved_is_put_back(world: World, app: App, move: str) -> None:
    world_with_all_timers(world)
    with app.db.transaction(world.api.tenant) as tx:
        before = timers(tx)
        assert missing_timers.wrong_timers(tx) == []
        tx.run(
            f"update jobs set {move} where tenant = %(tenant)s and kind = any(%(kinds)s)",
            tenant=tx.tenant,
            kinds=list(KINDS),
        )
        found = missing_timers.wrong_timers(tx)
        assert {(one.kind, one.ref, one.clock, one.at) for one in found} == {
            (one["kind"], one["ref"], one["clock"], one["run_at"]) for one in before
        }
        assert all(one.set_to for one in found)
        assert missing_timers.repair(tx, moved=True) == len(before)
        assert timers(tx) == before


def test_a_timer_that_is_moved_meanwhile_is_not_moved_back(world: World, app: App) -> None:
    """A subscription that changes while it is checked keeps its new timer."""
    world.at("2025-01-01")
    world.customer("anna").subscribes_to(world.plan("Pro", usd=20))
    with app.db.transaction(world.api.tenant) as tx:
        [timer] = [one for one in timers(tx) if one["kind"] == "subscription.renew"]
        seen = ("wall", timer["run_at"])
        place = (timer["clock"], timer["run_at"])
        assert jobs.move(tx, "subscription.renew", [(timer["ref"], seen, place)]) == 0


TRIED = {
    "a try that failed": "tries = 2, run_at = now() + interval '20 minutes', clock = 'wall'",
    "a try on the test clock": "tries = 1, run_at = '2025-01-01 01:00'",
    "an outside that is silent": "waiting_since = now(), run_at = now() + interval '1 hour', clock = 'wall'",
    "parked": "parked = true, tries = 5, run_at = '2025-01-01'",
}


@pytest.mark.parametrize("state", TRIED.values(), ids=TRIED.keys())
def test_a_timer_that_is_tried_again_keeps_its_time(world: World, app: App, state: str) -> None:
    world.at("2025-01-01")
    world.customer("anna").subscribes_to(world.plan("Pro", usd=20))
    renewal = "where tenant = %(tenant)s and kind = 'subscription.renew'"
    with app.db.transaction(world.api.tenant) as tx:
        tx.run(f"update jobs set {state} {renewal}", tenant=tx.tenant)
        assert missing_timers.wrong_timers(tx) == []
        if "clock" in state:
            tx.run(f"update jobs set run_at = '2100-01-01' {renewal}", tenant=tx.tenant)
            assert [one.kind for one in missing_timers.wrong_timers(tx)] == ["subscription.renew"]
        untried = "parked = false, tries = 0, waiting_since = null, run_at = '2100-01-01'"
        tx.run(f"update jobs set {untried} {renewal}", tenant=tx.tenant)
        assert missing_timers.repair(tx, moved=True) == 1


def test_billing_continues_after_a_repair_as_if_nothing_was_lost(world: World, app: App) -> None:
    world.at("2025-01-01")
    anna, pro = world.customer("anna"), world.plan("Pro", usd=20)
    anna.subscribes_to(pro, trial_period_days=10)
    anna.subscribes_to(pro)
    world.work()
    world.forget()
    lose(app, world)
    world.at("2025-02-01 02:00", expect=[])
    with app.db.transaction(world.api.tenant) as tx:
        assert missing_timers.repair(tx) > 0
    world.at("2025-02-02")
    assert [invoice.status for invoice in anna.invoices] == ["paid"] * 4


def lose(app: App, world: World) -> None:
    with app.db.transaction(world.api.tenant) as tx:
        tx.run("delete from jobs where tenant = %(tenant)s", tenant=tx.tenant)


def test_a_parked_timer_is_not_missing(world: World, app: App) -> None:
    world.at("2025-01-01")
    world.customer("anna").subscribes_to(world.plan("Pro", usd=20))
    with app.db.transaction(world.api.tenant) as tx:
        tx.run("update jobs set parked = true where tenant = %(tenant)s", tenant=tx.tenant)
        assert missing_timers.repair(tx) == 0
        tx.run("update jobs set parked = false where tenant = %(tenant)s", tenant=tx.tenant)


def test_an_overdue_invoice_is_emitted_once_though_its_timer_was_lost(world: World, app: App) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.owes(500)
    anna.bills(collection_method="send_invoice", days_until_due=2).does("finalize")
    lose(app, world)
    world.at("2025-01-05")
    with app.db.transaction(world.api.tenant) as tx:
        missing_timers.repair(tx)
    do_what_is_due(app)
    assert "invoice.overdue" in world.api.event_types()
    with app.db.transaction(world.api.tenant) as tx:
        assert missing_timers.repair(tx) == 0


def test_a_deleted_clock_has_no_timers(world: World, app: App) -> None:
    world.at("2025-01-01")
    world.customer("anna").subscribes_to(world.plan("Pro", usd=20, every="year"), cancel_at_period_end=True)
    world.delete(f"/v1/test_helpers/test_clocks/{world.clock}")
    world.clock = None
    with app.db.transaction(world.api.tenant) as tx:
        assert missing_timers.repair(tx) == 0


Put = Callable[[App, World], None]


def unanswered_payment(app: App, world: World) -> None:
    """Start a payment that the gateway never answers."""
    world.customer("anna").subscribes_to(world.plan("Pro", usd=20))
    with app.db.transaction(world.api.tenant) as tx:
        tx.run("update attempts set state = 'processing'")


def clock_behind(app: App, world: World) -> None:
    """Make something due on a clock that nobody runs."""
    assert world.clock
    with app.db.transaction(world.api.tenant) as tx:
        jobs.put(tx, "subscription.renew", "sub_x", moment("2024-12-31"), clock=world.clock)


@pytest.mark.parametrize(
    ("kind", "made"), [("attempt.resolve", unanswered_payment), (jobs.CATCH_UP, clock_behind)]
)
def test_a_lost_timer_of_a_payment_or_clock_is_found(world: World, app: App, kind: str, made: Put) -> None:
    world.at("2025-01-01")
    made(app, world)
    with app.db.transaction(world.api.tenant) as tx:
        [found] = [one for one in missing_timers.wrong_timers(tx) if one.kind == kind]
        assert found.clock == "wall" and found.at - tx.wall <= timedelta(minutes=2)
        tx.run("update attempts set state = 'succeeded'")
        jobs.cancel(tx, "subscription.renew", "sub_x")


def test_a_customer_who_must_act_is_asked_for_again(world: World, app: App) -> None:
    """When exactly the gateway is asked next is not derived from the state: within a day, as before."""
    world.at("2025-01-01")
    world.customer("anna", card="always 3DS").subscribes_to(world.plan("Pro", usd=20))
    with app.db.transaction(world.api.tenant) as tx:
        assert missing_timers.wrong_timers(tx) == []
        assert tx.run(f"delete from jobs where kind = 'attempt.follow' and tenant = '{tx.tenant}'") == 1
        [found] = missing_timers.wrong_timers(tx)
        assert (found.kind, found.clock, found.at) == ("attempt.follow", "wall", tx.wall + timedelta(days=1))
        assert missing_timers.repair(tx) == 1 and missing_timers.wrong_timers(tx) == []


def test_a_starting_worker_puts_the_repair_of_every_tenant(world: World, app: App) -> None:
    world.at("2025-01-01")
    world.customer("anna").subscribes_to(world.plan("Pro", usd=20))
    world.work()
    with app.db.transaction(world.api.tenant) as tx:
        before = timers(tx)
    lose(app, world)
    with app.db.connection() as conn:
        missing_timers.plan(conn, app.db.wall())
        planned = "from jobs where kind = %s and run_at <= %s"
        repairs = (missing_timers.JOB, app.db.wall())
        found = conn.execute(f"select count(distinct tenant) {planned}", repairs).fetchone()
        assert found is not None and found[0] > 1
        conn.execute(f"delete {planned} and tenant <> %s", (*repairs, world.api.tenant))  # would take minutes
    jobs.run_due(app.db, clock="wall", until=app.db.wall(), lane="upkeep")
    with app.db.transaction(world.api.tenant) as tx:
        assert timers(tx) == before


@pytest.mark.parametrize(("pending", "wrong"), [(True, False), (False, True)])
def test_money_that_is_on_its_way_is_asked_for_once_a_day(pending: bool, wrong: bool) -> None:
    [rule] = [one for one in missing_timers.RULES if one.kind == "attempt.resolve"]
    now = datetime(2026, 1, 1, tzinfo=UTC)
    tomorrow = now + timedelta(days=1)
    row = {
        "id": "at_1",
        "clock": "wall",
        "now": now,
        "set_on": "wall",
        "set_at": tomorrow,
        "pending": pending,
    }
    assert (rule.compare(row, now) is not None) == wrong
