"""Which two subscriptions, items or schedules does a filter tell apart?"""

from collections.abc import Callable

from billow.resources.subscription import STATUSES
from tests.support.filter_pairs import Apart
from tests.support.one_of_each import Maker
from tests.support.valid_subscription_params import ITEM, PLANNED, SUB, old, paused, running


def clocked(maker: Maker) -> list[Apart]:
    """Subscriptions of test clocks, and one of none: it is not shown with theirs, nor they with it."""
    found = []
    for _ in "12":
        clock = str(maker.make("test_helpers.test_clock")["id"])
        customer = maker.make("customer", test_clock=clock)["id"]
        found.append((clock, str(maker.make("subscription", customer=customer)["id"])))
    (first, one), (_, other) = found
    plain = str(maker.make("subscription")["id"])
    asked = {"test_clock": first}
    return [Apart(asked, one, other), Apart(asked, one, plain)]


def priced(maker: Maker, name: str) -> list[Apart]:
    """Subscriptions to two prices; as plans these have the same ids."""
    prices = [str(maker.make("plan")["id"]) for _ in "12"]
    first, second = (str(maker.make("subscription", items=[{"price": one}])["id"]) for one in prices)
    return [Apart({name: prices[0]}, first, second), Apart({name: prices[1]}, second, first)]


def periods(maker: Maker, name: str) -> list[Apart]:
    """One subscription began ten days before another."""
    early, late = old(maker), str(maker.make("subscription", discounts=None)["id"])
    items = {id: maker.api.get(ITEM, {"subscription": id})["data"] for id in (early, late)}
    first, second = items[early][0][name], items[late][0][name]
    return [
        Apart({f"{name}[lte]": first}, early, late),
        Apart({f"{name}[lt]": first}, None, early),
        Apart({f"{name}[gte]": second}, late, early),
        Apart({f"{name}[gt]": second}, None, late),
    ]


def subscriptions(maker: Maker) -> list[Apart]:
    """Each status, of a subscription that got there."""
    bad = "pm_card_chargeCustomerFail"
    poor = maker.make("customer", payment_method=bad, invoice_settings={"default_payment_method": bad})["id"]
    states = {
        "active": str(maker.make("subscription")["id"]),
        "canceled": str(maker.make("subscription")["id"]),
        "incomplete": str(maker.make("subscription", customer=poor)["id"]),
        "paused": paused(maker),
        "trialing": str(maker.make("subscription", trial_period_days="5")["id"]),
    }
    maker.done(f"{SUB}/{states['canceled']}", {}, "DELETE")
    for status in ("incomplete_expired", "past_due", "unpaid"):
        states[status] = str(maker.make("subscription")["id"])
        with maker.api.app.db.transaction(maker.api.tenant) as tx:
            tx.run("update subscriptions set status = %(status)s where id = %(id)s", status=status,
                   id=states[status])  # fmt: skip
    assert set(states) == set(STATUSES)
    running, gone = states["active"], states["canceled"]
    each = [
        Apart({"status": status}, id, gone if status != "canceled" else running)
        for status, id in states.items()
    ]
    others = [Apart({"status": "all"}, id, "") for id in states.values()]
    ended = [
        Apart({"status": "ended"}, states[status], running) for status in ("canceled", "incomplete_expired")
    ]
    return [*each, *others, *ended]


def over(maker: Maker, name: str, verb: str) -> list[Apart]:
    """One of two schedules has ended so; when, is shown."""
    first, second = running(maker), running(maker)
    path = f"{PLANNED}/{first}"
    if verb:
        at = maker.done(f"{path}/{verb}", {})[name]
    else:
        with maker.api.app.db.transaction(maker.api.tenant) as tx:
            tx.run(f"update subscription_schedules set {name} = created where id = %(id)s", id=first)
        at = maker.api.get(path)[name]
    return [
        Apart({f"{name}[gte]": at}, first, second),
        Apart({f"{name}[lte]": at}, first, second),
        Apart({f"{name}[gt]": at}, None, first),
        Apart({f"{name}[lt]": at}, None, first),
    ]


def begun(maker: Maker) -> list[Apart]:
    now, later = running(maker), str(maker.make("subscription_schedule")["id"])
    return [Apart({"scheduled": "true"}, later, now), Apart({"scheduled": "false"}, now, later)]


def of_subscriptions(maker: Maker) -> list[Apart]:
    first, second = (
        maker.make("subscription_item", subscription=maker.make("subscription")["id"]) for _ in "12"
    )
    return [Apart({"subscription": first["subscription"]}, first["id"], second["id"])]


def methods(maker: Maker) -> list[Apart]:
    sent = str(maker.make("subscription", collection_method="send_invoice", days_until_due="14")["id"])
    charged = str(maker.make("subscription")["id"])
    return [
        Apart({"collection_method": "send_invoice"}, sent, charged),
        Apart({"collection_method": "charge_automatically"}, charged, sent),
    ]


APART: dict[tuple[str, str], Callable[[Maker], list[Apart]]] = {
    (ITEM, "subscription"): of_subscriptions,
    (PLANNED, "canceled_at"): lambda maker: over(maker, "canceled_at", "cancel"),
    (PLANNED, "completed_at"): lambda maker: over(maker, "completed_at", ""),
    (PLANNED, "released_at"): lambda maker: over(maker, "released_at", "release"),
    (PLANNED, "scheduled"): begun,
    (SUB, "collection_method"): methods,
    (SUB, "current_period_end"): lambda maker: periods(maker, "current_period_end"),
    (SUB, "current_period_start"): lambda maker: periods(maker, "current_period_start"),
    (SUB, "plan"): lambda maker: priced(maker, "plan"),
    (SUB, "price"): lambda maker: priced(maker, "price"),
    (SUB, "status"): subscriptions,
    (SUB, "test_clock"): clocked,
}
