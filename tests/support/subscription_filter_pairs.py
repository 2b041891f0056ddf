"""Create subscriptions, items and schedules of which a filter finds one and not the other."""

from collections.abc import Callable

from billow.resources.subscription import STATUSES
from tests.support.filter_pairs import FilterCase
from tests.support.one_of_each import Maker
from tests.support.valid_subscription_params import (
    ITEM,
    PLANNED,
    SUB,
    paused_subscription,
    running_schedule,
    subscription_since_ten_days,
)


def by_test_clock(maker: Maker) -> list[FilterCase]:
    """Subscriptions of two test clocks, and one of none: each clock finds only its own."""
    found = []
    for _ in "12":
        clock = str(maker.make("test_helpers.test_clock")["id"])
        customer = maker.make("customer", test_clock=clock)["id"]
        found.append((clock, str(maker.make("subscription", customer=customer)["id"])))
    (first, one), (_, other) = found
    plain = str(maker.make("subscription")["id"])
    asked = {"test_clock": first}
    return [FilterCase(asked, one, other), FilterCase(asked, one, plain)]


def by_price(maker: Maker, name: str) -> list[FilterCase]:
    """Subscriptions to two prices, which are also plans with the same ids."""
    prices = [str(maker.make("plan")["id"]) for _ in "12"]
    first, second = (str(maker.make("subscription", items=[{"price": one}])["id"]) for one in prices)
    return [FilterCase({name: prices[0]}, first, second), FilterCase({name: prices[1]}, second, first)]


def by_period(maker: Maker, name: str) -> list[FilterCase]:
    """Two subscriptions, of which one started ten days before the other."""
    early, late = subscription_since_ten_days(maker), str(maker.make("subscription", discounts=None)["id"])
    items = {id: maker.api.get(ITEM, {"subscription": id})["data"] for id in (early, late)}
    first, second = items[early][0][name], items[late][0][name]
    return [
        FilterCase({f"{name}[lte]": first}, early, late),
        FilterCase({f"{name}[lt]": first}, None, early),
        FilterCase({f"{name}[gte]": second}, late, early),
        FilterCase({f"{name}[gt]": second}, None, late),
    ]


def by_status(maker: Maker) -> list[FilterCase]:
    """A subscription in each status."""
    bad = "pm_card_chargeCustomerFail"
    poor = maker.make("customer", payment_method=bad, invoice_settings={"default_payment_method": bad})["id"]
    states = {
        "active": str(maker.make("subscription")["id"]),
        "canceled": str(maker.make("subscription")["id"]),
        "incomplete": str(maker.make("subscription", customer=poor)["id"]),
        "paused": paused_subscription(maker),
        "trialing": str(maker.make("subscription", trial_period_days="5")["id"]),
    }
    maker.request(f"{SUB}/{states['canceled']}", {}, "DELETE")
    for status in ("incomplete_expired", "past_due", "unpaid"):
        states[status] = str(maker.make("subscription")["id"])
        with maker.api.app.db.transaction(maker.api.tenant) as tx:
            tx.run(
                "update subscriptions set status = %(status)s where id = %(id)s",
                status=status,
                id=states[status],
            )
    assert set(states) == set(STATUSES)
    running, gone = states["active"], states["canceled"]
    each = [
        FilterCase({"status": status}, id, gone if status != "canceled" else running)
        for status, id in states.items()
    ]
    others = [FilterCase({"status": "all"}, id, "") for id in states.values()]
    ended = [
        FilterCase({"status": "ended"}, states[status], running)
        for status in ("canceled", "incomplete_expired")
    ]
    return [*each, *others, *ended]


def by_end(maker: Maker, name: str, verb: str) -> list[FilterCase]:
    """Two schedules, of which one has ended this way."""
    first, second = running_schedule(maker), running_schedule(maker)
    path = f"{PLANNED}/{first}"
    if verb:
        at = maker.request(f"{path}/{verb}", {})[name]
    else:
        with maker.api.app.db.transaction(maker.api.tenant) as tx:
            tx.run(f"update subscription_schedules set {name} = created where id = %(id)s", id=first)
        at = maker.api.get(path)[name]
    return [
        FilterCase({f"{name}[gte]": at}, first, second),
        FilterCase({f"{name}[lte]": at}, first, second),
        FilterCase({f"{name}[gt]": at}, None, first),
        FilterCase({f"{name}[lt]": at}, None, first),
    ]


def by_scheduled(maker: Maker) -> list[FilterCase]:
    now, later = running_schedule(maker), str(maker.make("subscription_schedule")["id"])
    return [FilterCase({"scheduled": "true"}, later, now), FilterCase({"scheduled": "false"}, now, later)]


def by_subscription(maker: Maker) -> list[FilterCase]:
    first, second = (
        maker.make("subscription_item", subscription=maker.make("subscription")["id"]) for _ in "12"
    )
    return [FilterCase({"subscription": first["subscription"]}, first["id"], second["id"])]


def by_collection_method(maker: Maker) -> list[FilterCase]:
    sent = str(maker.make("subscription", collection_method="send_invoice", days_until_due="14")["id"])
    charged = str(maker.make("subscription")["id"])
    return [
        FilterCase({"collection_method": "send_invoice"}, sent, charged),
        FilterCase({"collection_method": "charge_automatically"}, charged, sent),
    ]


FILTER_CASES: dict[tuple[str, str], Callable[[Maker], list[FilterCase]]] = {
    (ITEM, "subscription"): by_subscription,
    (PLANNED, "canceled_at"): lambda maker: by_end(maker, "canceled_at", "cancel"),
    (PLANNED, "completed_at"): lambda maker: by_end(maker, "completed_at", ""),
    (PLANNED, "released_at"): lambda maker: by_end(maker, "released_at", "release"),
    (PLANNED, "scheduled"): by_scheduled,
    (SUB, "collection_method"): by_collection_method,
    (SUB, "current_period_end"): lambda maker: by_period(maker, "current_period_end"),
    (SUB, "current_period_start"): lambda maker: by_period(maker, "current_period_start"),
    (SUB, "plan"): lambda maker: by_price(maker, "plan"),
    (SUB, "price"): lambda maker: by_price(maker, "price"),
    (SUB, "status"): by_status,
    (SUB, "test_clock"): by_test_clock,
}
