"""Is the money given back that was taken for what cannot be made any more, and does the session end?"""

import pytest

from billow.api import rows
from billow.app import App
from billow.core.payments import Succeeded
from billow.flows.payments import collect
from billow.flows.platform import missing_timers
from billow.resources.attempt import Attempt
from billow.store import jobs
from tests.flows.checkout.test_debits_on_pages import DEBIT
from tests.flows.checkout.test_debits_on_pages import session as debit_session
from tests.flows.checkout.test_made_after_payment import THREE_D_SECURE, read, session
from tests.support.connected import enabled
from tests.support.page_visits import PAYER, Visitor
from tests.support.world import World


@pytest.mark.parametrize("told", [True, False])
def test_a_payment_for_what_cannot_be_made_is_refunded_once(world: World, app: App, told: bool) -> None:
    ann = world.customer("ann", card=None)
    made = session(world, "subscription", customer=ann.id)
    visitor = Visitor(app, world.work).opens(made["url"]).sends(**{**PAYER, "number": THREE_D_SECURE})
    world.post(f"/v1/customers/{ann.id}/balance_transactions", amount=-5, currency="eur")
    if told:
        visitor.sends(answer="yes")
    else:  # the customer does not come back, and the gateway reports it
        with app.db.transaction(world.api.tenant) as tx:
            [attempt] = rows.select(tx, Attempt, "state = 'requires_action'")
            collect.settle_after_action(tx, attempt.id, Succeeded("ch_1", 0))
            jobs.KINDS["checkout.settle"].run(tx, [made["id"]])
    world.work()
    assert read(world, made)["status"] == "expired"
    [refund] = world.get("/v1/refunds")["data"]
    assert refund["amount"] == 2000 and (not told or refund["status"] == "succeeded")
    assert world.get("/v1/invoices")["data"] == [] == world.get("/v1/subscriptions", status="all")["data"]
    assert "checkout.session.expired" in [one["type"] for one in world.events()]


def test_the_shares_of_what_is_refunded_are_taken_back(world: World, app: App) -> None:
    shop, ann = enabled(world.api), world.customer("ann", card=None)
    shares = {"transfer_data": {"destination": shop}}
    made = session(
        world, "subscription", customer=ann.id, subscription_data={**shares, "application_fee_percent": 10}
    )
    visitor = Visitor(app, world.work).opens(made["url"]).sends(**{**PAYER, "number": THREE_D_SECURE})
    world.post(f"/v1/customers/{ann.id}/balance_transactions", amount=-5, currency="eur")
    visitor.sends(answer="yes")
    world.work()
    [refund] = world.get("/v1/refunds")["data"]
    [sent] = world.get("/v1/transfers")["data"]
    [fee] = world.get("/v1/application_fees")["data"]
    assert (refund["amount"], sent["amount"], fee["amount"]) == (2000, 2000, 200)
    assert (sent["amount_reversed"], fee["amount_refunded"]) == (2000, 200)
    assert refund["transfer_reversal"]


def lost(app: App, world: World, kind: str) -> list[str]:
    """Lose the timer of a kind, and return what the repair sets again."""
    with app.db.transaction(world.api.tenant) as tx:
        assert missing_timers.wrong_timers(tx) == []
        assert tx.run("delete from jobs where tenant = %(t)s and kind = %(k)s", t=tx.tenant, k=kind) == 1
        found = [one.kind for one in missing_timers.wrong_timers(tx)]
        missing_timers.repair(tx)
        assert missing_timers.wrong_timers(tx) == []
    return found


def test_the_lost_timers_of_a_session_are_found(world: World, app: App) -> None:
    asked = session(world, "payment")
    Visitor(app).opens(asked["url"]).sends(**{**PAYER, "number": THREE_D_SECURE})
    assert lost(app, world, "checkout.settle") == ["checkout.settle"]
    debited = debit_session(world)
    Visitor(app).opens(debited["url"]).sends(**DEBIT)
    assert lost(app, world, "checkout.follow") == ["checkout.follow"]
