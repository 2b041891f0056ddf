"""Pause and resume subscriptions in the billing portal, for as long as its configuration offers."""

from datetime import datetime, timedelta

from billow.api import rows
from billow.api.params import made
from billow.core import calendar
from billow.core.errors import require
from billow.flows.subscriptions import pause as pausing
from billow.flows.subscriptions import resume as resuming
from billow.resources.portal_configuration import PortalConfiguration
from billow.resources.subscription import Subscription
from billow.store import clocks, jobs
from billow.store.jobs import job
from billow.store.perform import Steps
from billow.store.tx import Tx

LONGEST = timedelta(days=3 * 366)


def intervals(configuration: PortalConfiguration) -> list[tuple[str, int]]:
    """Return for how long a customer can pause; empty where that is until the customer resumes."""
    duration = configuration.features["subscription_pause"]["duration"]
    if duration["type"] == "indefinite":
        return []
    return [(one["interval"], one["interval_count"]) for one in duration["interval_options"] or []] or [
        ("month", 1)
    ]


def may_pause(configuration: PortalConfiguration, subscription: Subscription) -> bool:
    """Check whether the portal offers to pause a subscription, which must be one that can be paused."""
    return bool(
        configuration.features["subscription_pause"]["enabled"]
        and subscription.billing_mode["type"] == "flexible"
        and subscription.collection_method == "charge_automatically"
        and subscription.status in pausing.PAUSABLE
        and subscription.schedule is None
    )


def pause(tx: Tx, customer: str, configuration: str, subscription: str, chosen: str) -> Subscription:
    """Pause a subscription until it is resumed, or for the interval that was chosen, by its place."""
    offered = rows.find(tx, PortalConfiguration, configuration)
    found = rows.lock(tx, Subscription, subscription)
    require(found.customer == customer, "The subscription is another customer's.")
    require(may_pause(offered, found), "The portal does not offer to pause this subscription.")
    tx = clocks.enter(tx, found.test_clock)
    paused = pausing.pause(tx, found, made(pausing.Pause))
    lengths = intervals(offered)
    if not lengths:
        return paused
    place = int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 4 else 0
    until = end_of(tx.now.replace(microsecond=0), *lengths[min(place, len(lengths) - 1)])
    jobs.put(tx, "portal.resume", paused.id, until)
    return rows.update(tx, paused, event=None, resumes_at=until)


def end_of(now: datetime, interval: str, count: int) -> datetime:
    """Return when a pause of an interval ends, at the latest after three years."""
    _, end = calendar.period_at(now, interval, count, now)
    return min(end, now + LONGEST)


def resume(tx: Tx, customer: str, configuration: str, subscription: str) -> Steps:
    """Resume a paused subscription: a new period begins now."""
    feature = rows.find(tx, PortalConfiguration, configuration).features["subscription_pause"]
    require(feature["enabled"], "The portal does not offer to resume subscriptions.")
    found = rows.lock(tx, Subscription, subscription)
    require(found.customer == customer, "The subscription is another customer's.")
    jobs.cancel(tx, "portal.resume", found.id)
    return (yield from resuming.resume(clocks.enter(tx, found.test_clock), found, made(resuming.Resume)))


@job("portal.resume", lane="outside")
def resume_due(tx: Tx, refs: list[str]) -> Steps:
    """Resume a subscription that its customer has paused for an interval, unless that was done before."""
    [id] = refs
    found = rows.lock(tx, Subscription, id)
    if found.status == "paused" and found.resumes_at and found.resumes_at <= tx.now:
        yield from resuming.resume(tx, found, made(resuming.Resume))
    return None
