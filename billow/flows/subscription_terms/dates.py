"""Calculate when a new subscription starts, renews and ends."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from billow.core import anchors, calendar
from billow.core.anchors import Course, Rhythm
from billow.core.errors import Inconsistent, needed, require
from billow.flows.billing import priced_items
from billow.flows.subscription_terms import billing_schedules, trial_offers
from billow.flows.subscription_terms.params import Subscribe
from billow.resources.price import Price
from billow.store.tx import Tx

Span = tuple[datetime, datetime]
LONGEST_TRIAL = timedelta(days=731)
MAX_LINES = 250
NOT_IN_FUTURE = "Invalid timestamp: must be an integer Unix timestamp in the future."


def course_of(tx: Tx, wanted: Subscribe, prices: Sequence[Price]) -> Course:
    """Check the requested instants, and return all dates of the subscription (§5.5, §5.9, §5.10, §5.12)."""
    now = tx.now.replace(microsecond=0)
    rhythms = [rhythm_of(price) for price in prices]
    start = wanted.backdate_start_date or now
    require(
        start <= now,
        "Invalid `backdate_start_date`: must be a timestamp in the past.",
        param="backdate_start_date",
    )
    offered = spans_of(tx, wanted, prices, now)
    trial = trial_of(now, wanted, prices) or free_offers_until(wanted, prices, offered)
    course = Course(now, start, anchor_of(wanted, now, start, trial, rhythms), trial)
    check_lines(course, rhythms)
    ends = end_of(wanted, course, rhythms, offered)
    return Course(now, start, course.anchor, trial, ends)


def spans_of(tx: Tx, wanted: Subscribe, prices: Sequence[Price], now: datetime) -> list[Span | None]:
    """Return the first period of each item that starts with a trial offer."""
    found: list[Span | None] = []
    for place, (item, price) in enumerate(zip(wanted.items, prices, strict=True)):
        offer = trial_offers.find_offer(tx, item, f"items[{place}]")
        found.append(trial_offers.first_span(offer, price, wanted.currency, now) if offer else None)
    return found


def free_offers_until(
    wanted: Subscribe, prices: Sequence[Price], offered: Sequence[Span | None]
) -> datetime | None:
    """Return until when the first item is free, if the offers make all of them free (§5.10)."""
    ends = [span[1] for span in offered if span]
    free = all(trial_offers.is_free(priced_items.rate_of(price, wanted.currency)) for price in prices)
    return min(ends) if free and len(ends) == len(prices) else None


def rhythm_of(price: Price) -> Rhythm:
    """Return the interval of a recurring price."""
    if not price.recurring:
        raise Inconsistent(f"The price {price.id} is not recurring.")
    return price.recurring["interval"], price.recurring["interval_count"]


def trial_of(now: datetime, wanted: Subscribe, prices: Sequence[Price]) -> datetime | None:
    """Return the end of the trial; `trial_from_plan` takes the longest one of the prices."""
    if isinstance(wanted.trial_end, datetime):
        require(wanted.trial_end > now, NOT_IN_FUTURE, param="trial_end")
        require(
            wanted.trial_end <= now + LONGEST_TRIAL,
            "Invalid timestamp: can be no more than two years in the future.",
            param="trial_end",
        )
        return wanted.trial_end
    days = wanted.trial_period_days
    if days is None and wanted.trial_from_plan:
        offered = [(price.recurring or {}).get("trial_period_days") for price in prices]
        days = max((one for one in offered if one), default=None)
    return now + timedelta(days=days) if days else None


def anchor_of(
    wanted: Subscribe, now: datetime, start: datetime, trial: datetime | None, rhythms: Sequence[Rhythm]
) -> datetime:
    """Return the anchor of the periods: as requested, else the end of the trial, else the start.

    Classic counts from now even with an earlier start (§5.9).
    """
    if wanted.billing_cycle_anchor:
        check_anchor(wanted.billing_cycle_anchor, now, trial, rhythms)
        return wanted.billing_cycle_anchor
    if wanted.billing_cycle_anchor_config:
        return anchor_of_config(wanted, now, rhythms)
    behavior = wanted.trial_settings and wanted.trial_settings.end_behavior.billing_cycle_anchor
    if trial and behavior != "unchanged":
        return trial
    return now if wanted.classic else start


def check_anchor(anchor: datetime, now: datetime, trial: datetime | None, rhythms: Sequence[Rhythm]) -> None:
    """Check that a requested anchor is not after the first natural billing date."""
    require(anchor >= now, NOT_IN_FUTURE, param="billing_cycle_anchor")
    natural = min(calendar.boundary(trial or now, *rhythm, 1) for rhythm in rhythms)
    require(
        anchor <= natural,
        "`billing_cycle_anchor` cannot be later than next natural billing date"
        f" ({int(natural.timestamp())}) for plan.",
        param="billing_cycle_anchor",
    )


def anchor_of_config(wanted: Subscribe, now: datetime, rhythms: Sequence[Rhythm]) -> datetime:
    """Return the anchor that `billing_cycle_anchor_config` describes."""
    config = needed(wanted.billing_cycle_anchor_config, "the configuration of an anchor")
    require(
        all(interval in calendar.MONTHS for interval, _ in rhythms),
        "`billing_cycle_anchor_config` can only be used with prices whose interval is `month` or `year`.",
        param="billing_cycle_anchor_config",
    )
    shortest = min(rhythms, key=lambda rhythm: calendar.MONTHS[rhythm[0]] * rhythm[1])
    time = (
        now.hour if config.hour is None else config.hour,
        now.minute if config.minute is None else config.minute,
        now.second if config.second is None else config.second,
    )
    return anchors.configured(now, shortest, config.day_of_month, config.month, time)


def end_of(
    wanted: Subscribe, course: Course, rhythms: Sequence[Rhythm], offered: Sequence[Span | None]
) -> datetime | None:
    """Return the planned end; the named ones, such as `min_period_end`, are resolved now (§5.12).

    `cancel_at_period_end` means the first period to end, where intervals are mixed.
    """
    ends = [(own or course.period(rhythm))[1] for own, rhythm in zip(offered, rhythms, strict=True)]
    if wanted.cancel_at_period_end or wanted.cancel_at == "min_period_end":
        return min(ends)
    if wanted.cancel_at == "max_billed_until":
        return max(ends + billing_schedules.instants(wanted.billing_schedules or [], course.created))
    if isinstance(wanted.cancel_at, str):
        return max(ends)
    require(wanted.cancel_at is None or wanted.cancel_at > course.created, NOT_IN_FUTURE, param="cancel_at")
    return wanted.cancel_at


def check_lines(course: Course, rhythms: Sequence[Rhythm]) -> None:
    """Check that an earlier start does not need more lines than an invoice holds (§5.9)."""
    length = course.created - course.start
    shortest = min(calendar.boundary(course.start, *rhythm, 1) - course.start for rhythm in rhythms)
    few = length / shortest <= 2 * MAX_LINES  # so that a start far too early is not even counted
    require(
        few and sum(len(course.gone(rhythm)) + 1 for rhythm in rhythms) <= MAX_LINES,
        f"The `backdate_start_date` leads to more than {MAX_LINES} invoice lines.",
        param="backdate_start_date",
    )
