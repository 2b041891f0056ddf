"""Does a phase count from when it was due, however late it is done, and before its renewal (§6)?"""

from datetime import timedelta

from billow.app import App
from billow.flows.subscriptions import renew
from billow.store import jobs
from tests.conftest import new_caller
from tests.flows.conftest import Wall, do_what_is_due
from tests.support.world import Invoice, Schedule, World, day, months, of, plans

TWO_MONTHS = timedelta(days=62)


def story(world: World) -> Schedule:
    """Three phases of a month, each with another price."""
    prices = [world.plan(name, usd=amount) for name, amount in (("One", 10), ("Two", 20), ("Three", 30))]
    phases = [{"items": of(price), "duration": months(1)} for price in prices]
    return plans(world.customer("anna"), *phases)


def test_phases_that_were_missed_are_made_up_for_in_order(app: App, wall: Wall) -> None:
    world = World(new_caller(app), lambda: do_what_is_due(app))
    plan = story(world)
    dates = plan.dates
    wall.now += TWO_MONTHS
    world.work()
    found = world.get("/v1/invoices", customer=plan.now["customer"])["data"]
    assert sorted(Invoice(world, data).text()[0][1] for data in found) == ["10.00", "20.00", "30.00"]
    assert plan.subscription.period == dates[2]
    assert plan.now["current_phase"]["start_date"] == plan.now["phases"][2]["start_date"]


def test_a_renewal_waits_for_the_phase_that_begins_with_it(app: App, wall: Wall) -> None:
    """Two workers: one has taken the renewal before the other has done the phase."""
    world = World(new_caller(app), lambda: do_what_is_due(app))
    plan = story(world)
    id = plan.now["subscription"]
    wall.now = wall.now.replace(microsecond=0) + timedelta(days=31, hours=2)
    with app.db.transaction(world.api.tenant) as tx:
        renew.renew(tx, [id])
        jobs.flush(tx)
        [job] = tx.all("select run_at from jobs where kind = 'subscription.renew' and ref = %(id)s", id=id)
    assert job["run_at"] == wall.now + timedelta(seconds=1)
    assert day(plan.subscription.now["items"]["data"][0]["current_period_end"]) == plan.dates[0][1]
    wall.now += timedelta(seconds=2)
    world.work()
    last = world.get("/v1/invoices", customer=plan.now["customer"])["data"][0]
    assert last["total"] == 2000
