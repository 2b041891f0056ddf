"""2025-09-30.clover: discounts name their coupon in a hash; billing is flexible by default."""

from typing import Any

from billow.api import params
from billow.api.fields import Field
from billow.api.versions.change import Change, Needs, One, Renamed, Sent, View, exclusive

CHANGE = Change(
    "2025-09-30.clover", expands={"discount": {"coupon": "coupon"}, "promotion_code": {"coupon": "coupon"}}
)
NEW_SUBSCRIPTIONS = ("POST /v1/subscriptions", "POST /v1/subscription_schedules")


@CHANGE.shows("discount")
def coupon_of_discount(view: View) -> Needs:
    """Show the whole coupon of a discount in `coupon`; it is an id in `source.coupon` now."""
    view["coupon"] = yield from _whole(view["source"])


@CHANGE.shows("promotion_code")
def coupon_of_promotion_code(view: View) -> Needs:
    """Show the whole coupon of a promotion code in `coupon`; it is an id in `promotion.coupon` now."""
    view["coupon"] = yield from _whole(view["promotion"])


def _whole(source: dict[str, Any]) -> Any:
    coupon = source.get("coupon")
    if coupon is None or isinstance(coupon, dict):
        return coupon
    return (yield One("coupon", coupon, shown=True))


@CHANGE.reads("POST /v1/promotion_codes")
def promotion_of_coupon(sent: Sent) -> Renamed:
    """Take `coupon` for a promotion code, which is `promotion[coupon]` now."""
    if "promotion" in sent:
        return None
    if "coupon" not in sent:
        raise params.missing("coupon")
    sent["promotion"] = {"type": "coupon", "coupon": sent.pop("coupon")}
    return {"promotion[coupon]": "coupon", "promotion": "coupon"}


@CHANGE.reads(*NEW_SUBSCRIPTIONS)
def classic_by_default(sent: Sent) -> Renamed:
    """Create subscriptions with the billing mode `classic` where none is given; it is `flexible` now."""
    if "from_subscription" not in sent:
        sent.setdefault("billing_mode", {"type": "classic"})
    return None


@CHANGE.reads("POST /v1/quotes")
def classic_quotes(sent: Sent) -> Renamed:
    """Create the subscriptions of quotes with the billing mode `classic` where none is given."""
    data = sent.setdefault("subscription_data", {})
    if isinstance(data, dict) and "from_quote" not in sent:
        data.setdefault("billing_mode", {"type": "classic"})
    return None


@CHANGE.reads("POST /v1/checkout/sessions")
def classic_checkout(sent: Sent) -> Renamed:
    """Create the subscriptions of checkout sessions with the billing mode `classic` where none is given."""
    data = sent.setdefault("subscription_data", {}) if sent.get("mode") == "subscription" else None
    if isinstance(data, dict):
        data.setdefault("billing_mode", {"type": "classic"})
    return None


@CHANGE.reads(
    "POST /v1/invoices/create_preview", "GET /v1/invoices/upcoming", "GET /v1/invoices/upcoming/lines"
)
def classic_previews(sent: Sent) -> Renamed:
    """Preview new subscriptions in the billing mode `classic` where none is given."""
    if "subscription" in sent or "schedule" in sent:
        return None
    for name, needed in (("subscription_details", "items"), ("schedule_details", "phases")):
        details = sent.get(name)
        if isinstance(details, dict) and needed in details:
            details.setdefault("billing_mode", {"type": "classic"})
    return None


@CHANGE.reads(
    "POST /v1/subscription_schedules",
    "POST /v1/subscription_schedules/{id}",
    "POST /v1/invoices/create_preview",
    "GET /v1/invoices/upcoming",
    "GET /v1/invoices/upcoming/lines",
)
def iterations(sent: Sent) -> Any:
    """Take `iterations` of a phase: so many times the interval of its price, which is `duration` now."""
    named: dict[str, str] = {}
    for at, phases in (
        ("phases", sent.get("phases")),
        ("schedule_details[phases]", _hash(sent.get("schedule_details")).get("phases")),
    ):
        for place, phase in enumerate(phases if isinstance(phases, list) else ()):
            if not isinstance(phase, dict) or "iterations" not in phase:
                continue
            name = f"{at}[{place}][iterations]"
            if "duration" in phase:
                raise exclusive(name, f"{at}[{place}][duration]")
            count = params.parse(ITERATIONS, phase["iterations"], name)
            recurring = yield from _recurring(phase)
            del phase["iterations"]
            interval_count = count * _interval_count(recurring)
            phase["duration"] = {
                "interval": recurring.get("interval", "month"),
                "interval_count": str(interval_count),
            }
            named[f"{at}[{place}][duration]"] = named[f"{at}[{place}][duration][interval_count]"] = name
    return named


ITERATIONS = Field("integer", min=1)


def _interval_count(recurring: dict[str, Any]) -> int:
    """Return how many intervals a price bills at once; what is no number is refused where it was sent."""
    count = recurring.get("interval_count", 1)
    return int(count) if str(count).isdecimal() else 1


def _hash(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _recurring(phase: dict[str, Any]) -> Any:
    """Find the interval of the first price of a phase; a price that does not exist is refused later."""
    items = phase.get("items")
    first = _hash(items[0]) if isinstance(items, list) and items else {}
    if isinstance(first.get("price_data"), dict):
        return _hash(first["price_data"].get("recurring"))
    row = yield One("price", str(first.get("price") or first.get("plan") or ""))
    return (row.recurring or {}) if row else {}
