"""A batch of a billing run takes the same number of statements, however many subscriptions it holds.

BILLOW_STATEMENTS_BATCH=500 makes the large batches as large as the largest that a run takes.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from billow.api import rows
from billow.app import App
from billow.flows.invoices import finalize
from billow.flows.payments import collect
from billow.flows.subscriptions import renew
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.meter import Meter
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store.tx import Tx
from billow.store.usage import Measured, store
from tests.support.statement_counts import Count, counted
from tests.support.world import World, moment

MANY = int(os.environ.get("BILLOW_STATEMENTS_BATCH", "6"))
DUE = moment("2025-02-01")
AN_HOUR = timedelta(hours=1)


class Undone(Exception):
    """Ends a transaction of which nothing is to be kept."""


@contextmanager
def undone(app: App, world: World) -> Iterator[Tx]:
    """A transaction at the renewal, of which nothing is kept."""
    try:
        with app.db.transaction(world.api.tenant, now=DUE, clock=str(world.clock)) as tx:
            yield tx
            raise Undone
    except Undone:
        pass


def text_of(count: Count, other: Count) -> str:
    """The statements that one batch sent more often than the other."""
    more = Counter(one[:110] for one in count.sent) - Counter(one[:110] for one in other.sent)
    return "\n".join(f"{times} more: {text}" for text, times in more.items())


# ------------------------------------------------------------------------------------- kinds of subscriptions


@pytest.fixture
def stage(world: World) -> World:
    world.at("2025-01-01")
    return world


def entitling(world: World, price: str, name: str) -> str:
    """Give the product of a price a feature, so that what its customers may do changes with it."""
    feature = world.post("/v1/entitlements/features", name=name, lookup_key=name)["id"]
    product = world.get(f"/v1/prices/{price}")["product"]
    world.post(f"/v1/products/{product}/features", entitlement_feature=feature)
    return price


def names(kind: str) -> list[str]:
    return [f"{kind}{number}" for number in range(MANY)]


def licensed_and_metered(world: World) -> list[str]:
    pro, calls = world.plan("Pro", usd=20), world.metered("Calls", world.meter("calls"), cents="3")
    return [world.customer(name).subscribes_to(pro, calls).id for name in names("plain")]


def ending_offers(world: World, **terms: Any) -> list[str]:
    """Their offers run out, which moves the anchor and cuts the month of their other item."""
    first, then = world.plan("Intro", every="week", usd=1), entitling(world, world.plan("Pro", usd=20), "max")
    offer = world.post(
        "/v1/product_catalog/trial_offers",
        price=first,
        duration={"type": "relative", "relative": {"iterations": 1}},
        end_behavior={"transition": {"price": then}},
    )["id"]
    taking, seat = {"current_trial": {"trial_offer": offer}}, world.plan("Seat", usd=31)
    return [world.customer(name).subscribes_to(taking, seat, **terms).id for name in names("offer")]


def items_cut_after_a_change(world: World) -> list[str]:
    """What is given back stands on an invoice as a proration."""
    found = ending_offers(world)
    for id in found:
        world.post(
            f"/v1/subscriptions/{id}",
            proration_behavior="always_invoice",
            items=[
                {"id": one["id"], "quantity": 2}
                for one in world.get(f"/v1/subscriptions/{id}")["items"]["data"]
                if not one["current_trial"]
            ],
        )
    return found


def without_method(world: World, behavior: str) -> list[str]:
    pro = entitling(world, world.plan("Pro", usd=20), behavior)
    terms = {"trial_period_days": 7, "trial_settings": {"end_behavior": {"missing_payment_method": behavior}}}
    return [world.customer(n, card=None).subscribes_to(pro, **terms).id for n in names(behavior)]


def offers_without_method(world: World) -> list[str]:
    """They are paused, and lose their offers."""
    terms = {"trial_settings": {"end_behavior": {"missing_payment_method": "pause"}}}
    found = ending_offers(world, **terms)
    for id in found:
        customer = world.get(f"/v1/subscriptions/{id}")["customer"]
        world.post(f"/v1/customers/{customer}", invoice_settings={"default_payment_method": ""})
    return found


def late_payers(world: World) -> list[str]:
    """They missed an invoice, and have a balance that covers the next one."""
    pro = entitling(world, world.plan("Pro", usd=20), "late")
    people = [world.customer(name) for name in names("late")]
    found = [person.subscribes_to(pro).id for person in people]
    for person in people:
        world.post(f"/v1/customers/{person.id}", balance=-100000)
    return found


KINDS: dict[str, Callable[[World], list[str]]] = {
    "plain": licensed_and_metered,
    "ending offers": ending_offers,
    "items cut after a change": items_cut_after_a_change,
    "canceled without a method": lambda world: without_method(world, "cancel"),
    "paused without a method": lambda world: without_method(world, "pause"),
    "offers without a method": offers_without_method,
    "late payers": late_payers,
}


def make_late(tx: Tx, refs: Sequence[str]) -> None:
    """Their latest invoice was not paid, nobody having tried to collect it again since."""
    subscriptions = rows.find_many(tx, Subscription, refs).values()
    late = [one for one in subscriptions if rows.find(tx, Customer, one.customer).balance < 0]
    rows.update_many(tx, [(one, {"status": "past_due"}) for one in late], event=None)
    customers = rows.find_many(tx, Customer, [one.customer for one in late]).values()
    rows.update_many(tx, [(one, {"delinquent": True}) for one in customers], event=None)


def use_more(tx: Tx, refs: Sequence[str]) -> None:
    """Usage that is told while the drafts stand."""
    items = rows.select(tx, SubscriptionItem, "subscription = any(%(refs)s)", refs=list(refs))
    meters = {one.event_name: one for one in rows.select(tx, Meter, "true")}
    customers = rows.find_many(tx, Subscription, {item.subscription for item in items})
    used = [
        Measured(meters["calls"].id, one.customer, f"late-{one.customer}", DUE - AN_HOUR, 7)
        for one in customers.values()
        if meters
    ]
    store(tx).record(tx, used)


# ------------------------------------------------------------------------------------- counting


def renewing(app: App, world: World, refs: Sequence[str]) -> Count:
    with undone(app, world) as tx:
        make_late(tx, refs)
        with counted() as count:
            renew.renew(tx, list(refs))
    return count


def finalizing(app: App, world: World, refs: Sequence[str]) -> Count:
    """The drafts of a renewal an hour later, with usage that came in meanwhile."""
    with undone(app, world) as tx:
        make_late(tx, refs)
        renew.renew(tx, list(refs))
        drafts = rows.select(
            tx, Invoice, "subscription = any(%(refs)s) and status = 'draft'", refs=list(refs)
        )
        use_more(tx, refs)
        later = tx.at(tx.clock, DUE + AN_HOUR)
        with counted() as count:
            finalize.finalize_due(later, [draft.id for draft in drafts])
        left = rows.find_many(later, Invoice, [draft.id for draft in drafts]).values()
        assert {one.status for one in left} <= {"open", "paid"}
    return count


def collecting(app: App, world: World, refs: Sequence[str]) -> Count:
    """The invoices of a renewal, finalized and then charged; the gateway is asked within the transaction."""
    with undone(app, world) as tx:
        renew.renew(tx, list(refs))
        drafts = rows.select(
            tx, Invoice, "subscription = any(%(refs)s) and status = 'draft'", refs=list(refs)
        )
        later, ids = tx.at(tx.clock, DUE + AN_HOUR), [draft.id for draft in drafts]
        finalize.finalize_due(later, ids)
        with counted() as count:
            steps = collect.collect_due(later, ids)
            asked = next(steps)
            with pytest.raises(StopIteration):
                steps.send((later, asked.fulfil()))
        assert {one.status for one in rows.find_many(later, Invoice, ids).values()} == {"paid"}
    return count


def test_a_batch_of_collections_takes_as_many_statements_as_one(app: App, stage: World) -> None:
    refs = licensed_and_metered(stage)
    one, many = (collecting(app, stage, some) for some in (refs[:1], refs))
    assert len(many) == len(one), text_of(many, one)


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_of_a_kind_takes_as_many_statements_as_one_of_it(app: App, stage: World, kind: str) -> None:
    refs = KINDS[kind](stage)
    for measured in (renewing, finalizing):
        one, many = (measured(app, stage, some) for some in (refs[:1], refs))
        assert len(many) == len(one), f"{measured.__name__} {kind}:\n{text_of(many, one)}"


def test_a_mixed_batch_takes_as_many_statements_as_one_of_each_kind(app: App, stage: World) -> None:
    """A meter and features are named once in a catalog, so the kinds that make the same stand apart."""
    mixed = [
        KINDS[kind](stage)
        for kind in (
            "plain",
            "items cut after a change",
            "canceled without a method",
            "paused without a method",
            "late payers",
        )
    ]
    first, all = [refs[0] for refs in mixed], [id for refs in mixed for id in refs]
    for measured in (renewing, finalizing):
        one, many = (measured(app, stage, some) for some in (first, all))
        assert len(many) == len(one), f"{measured.__name__}:\n{text_of(many, one)}"


def test_a_statement_for_each_subscription_is_noticed(
    app: App, stage: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The count of these tests sees a loop, so that they fail when one comes back."""
    refs, load = licensed_and_metered(stage), renew.load

    def looking_at_each(tx: Tx, wanted: list[str]) -> Any:
        for id in wanted:
            rows.find(tx, Subscription, id)
        return load(tx, wanted)

    monkeypatch.setattr(renew, "load", looking_at_each)
    assert len(renewing(app, stage, refs)) - len(renewing(app, stage, refs[:1])) == MANY - 1
