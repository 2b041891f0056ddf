"""Calculate which timers a state implies, and when they are due.

Whoever changes a state sets its timers in the same transaction. The same rules find timers that are missing
after jobs were lost. Each function returns when the timer is due, or None where the state implies none. What
happens once and leaves no trace in the state, such as a reminder, is only implied while it is still ahead.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from billow.core import revenue

FIRST_PAYMENT = timedelta(hours=23)
"""How long the first payment of a subscription, or that of a proposed change, may take."""
TRIAL_WARNING = timedelta(days=3)
"""How long before the end of a trial its customer is told."""
SCHEDULE_NOTICE = timedelta(days=7)
"""How long before its end a schedule is told to be expiring."""
POSTPONED = timedelta(hours=2)
"""Longer than any timer that is due is put off: by its own job while a payment is under way, or after a
failure."""
ROUNDED = timedelta(seconds=1)
"""Many instants are kept in whole seconds, timers to the microsecond."""
RUNNING = ("active", "past_due", "unpaid", "trialing", "incomplete")


def renewal(
    status: str, period_end: datetime | None, cancel_at: datetime | None, now: datetime
) -> datetime | None:
    """Return the end of the first period to end, unless the subscription ends by then.

    An incomplete subscription is not renewed: when its period ends before the first payment, the payment sets
    the timer again.
    """
    if status not in RUNNING or period_end is None or (status == "incomplete" and period_end <= now):
        return None
    return period_end if cancel_at is None or period_end < cancel_at else None


def agrees(run_at: datetime, due: datetime, now: datetime, early: bool = False) -> bool:
    """Tell whether a timer is set to the time that its state implies.

    One that is due already may have been postponed a little. One that a request can move forward (`early`)
    only must not be later.
    """
    if abs(run_at - due) < ROUNDED or (early and run_at < due):
        return True
    return run_at <= now + POSTPONED and (early or due <= now)


def end(status: str, cancel_at: datetime | None) -> datetime | None:
    """Return the planned end. It takes effect in a pause too, though no period ends then."""
    return cancel_at if status in (*RUNNING, "paused") else None


def ahead(at: datetime | None, notice: timedelta, now: datetime) -> datetime | None:
    """Return the time of a notice before an instant, if that is still to come; without notice, None."""
    return at - notice if at and notice and at - notice > now else None


def trial_warning(status: str, trial_end: datetime | None, now: datetime) -> datetime | None:
    """Return when to warn of the end of a trial that runs, or that begins with the first payment."""
    return ahead(trial_end, TRIAL_WARNING, now) if status in ("trialing", "incomplete") else None


def reminder(due: datetime | None, days: Iterable[int], now: datetime) -> datetime | None:
    """Return when an unpaid invoice is next reminded of: the first of the days after its due date to come."""
    later = [due + timedelta(days=day) for day in days] if due else []
    return min((at for at in later if at > now), default=None)


@dataclass(frozen=True, slots=True)
class Collection:
    """An open invoice that is charged automatically and advances by itself."""

    finalized_at: datetime
    attempted: bool
    next_attempt: datetime | None
    intent: str | None
    """The status of its payment intent."""


def collection(invoice: Collection, now: datetime) -> datetime | None:
    """Return when to charge: the first attempt at once, each further one as planned.

    While an attempt runs, its own timer asks for the answer; a payment that needs authentication waits for
    the customer.
    """
    if invoice.next_attempt and invoice.next_attempt > now:
        return invoice.next_attempt
    if invoice.intent in ("processing", "requires_action"):
        return None
    return invoice.next_attempt or (None if invoice.attempted else invoice.finalized_at)


@dataclass(frozen=True, slots=True)
class Earning:
    """A line of a finalized invoice, and how much of it is posted as earned."""

    net: int
    earned: int
    start: datetime
    end: datetime


def recognition(lines: Iterable[Earning], now: datetime, zone: tzinfo) -> datetime | None:
    """Return the first instant at which something is earned that is not posted yet, or the next one."""
    found = [at for line in lines if line.net for at in [_slice(line, now, zone)] if at]
    return min(found, default=None)


def _slice(line: Earning, now: datetime, zone: tzinfo) -> datetime | None:
    for at, total in revenue.slices(line.net, line.start, line.end, zone):
        if at > now or abs(total) > abs(line.earned):
            return at
    return None
