"""Meter event summaries: the usage of a customer by hour, by day, or in one range."""

from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from billow.api import fields as f
from billow.api.fields import CREATE, seconds
from billow.api.listing import Paging
from billow.api.render import page
from billow.core.errors import Refused, require
from billow.core.usage import TIME_WINDOWS
from billow.store.ids import base62

MIDNIGHT = datetime.min


class ListMeterEventSummaries(Paging):
    customer: str = f.ref("customer", required=True)
    end_time: datetime = f.timestamp(required=True)
    start_time: datetime = f.timestamp(required=True)
    value_grouping_window: str | None = f.choice(CREATE, "day", "hour")


def json_number(value: Decimal) -> int | float:
    """Return an aggregated value as a JSON number: whole ones as integers, which are exact at any size."""
    whole = value.to_integral_value()  # a remainder would be refused beyond 28 digits
    return int(whole) if value == whole else float(value)


def check_range(wanted: ListMeterEventSummaries) -> None:
    """Check that a range begins and ends on a full minute, or if grouped on a full window, in UTC."""
    size = wanted.value_grouping_window or "minute"
    whole = TIME_WINDOWS.get(size, timedelta(minutes=1))
    for name in ("start_time", "end_time"):
        since_midnight = getattr(wanted, name).replace(tzinfo=None) - MIDNIGHT
        require(
            since_midnight % whole == timedelta(0),
            f"{name} must be aligned with {size} boundaries.",
            param=name,
        )
    require(wanted.start_time < wanted.end_time, "end_time must be after start_time.", param="end_time")


def shown(
    meter: str,
    wanted: ListMeterEventSummaries,
    value: Decimal,
    start: datetime,
    end: datetime,
    livemode: bool,
) -> dict[str, Any]:
    return {
        "id": _id(meter, wanted.customer, start, end),
        "object": "billing.meter_event_summary",
        "aggregated_value": json_number(value),
        "end_time": seconds(end),
        "livemode": livemode,
        "meter": meter,
        "start_time": seconds(start),
    }


def _id(meter: str, customer: str, start: datetime, end: datetime) -> str:
    """Make the id of a summary, which is not stored, from its range, so that it can be a cursor."""
    digest = sha256(f"{meter}\n{customer}\n{seconds(start)}\n{seconds(end)}".encode()).digest()
    return "mtrusg_" + base62(int.from_bytes(digest[:17]), 24)


def paged(summaries: list[dict[str, Any]], wanted: ListMeterEventSummaries, url: str) -> dict[str, Any]:
    """Return one page of summaries, which are ordered newest first (§1.5)."""
    limit, after, before = wanted.limit, wanted.starting_after, wanted.ending_before
    require(
        1 <= limit <= 100,
        "Invalid integer: limit must be between 1 and 100.",
        param="limit",
        code="parameter_invalid_integer",
    )
    require(
        after is None or before is None,
        "You cannot use both starting_after and ending_before.",
        param="ending_before",
        code="parameters_exclusive",
    )
    places = {summary["id"]: place for place, summary in enumerate(summaries)}
    for name, cursor in (("starting_after", after), ("ending_before", before)):
        if cursor is not None and cursor not in places:
            raise Refused(f"No such meter event summary: '{cursor}'", param=name, code="resource_missing")
    if before is not None:
        newer = summaries[: places[before]]
        return page(newer[-limit:], len(newer) > limit, url)
    older = summaries[places[after] + 1 :] if after is not None else summaries
    return page(older[:limit], len(older) > limit, url)
