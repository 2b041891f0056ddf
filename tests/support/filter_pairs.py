"""Two entries of each list: the second was made after the first."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from billow.api.resource import Verb
from tests.support.one_of_each import Maker, Sent

HOUR = 3600


@dataclass
class Pair:
    """Two entries of a list, and what must be asked besides to see them."""

    path: str
    newer: str
    older: str
    query: Sent = field(default_factory=dict)


@dataclass
class Apart:
    """What is asked, which entry is found by it, and which is not (None: none is)."""

    query: Sent
    found: str | None
    lost: str
    path: str = ""


def two(maker: Maker, verb: Verb) -> Pair:
    if verb.path in TWO:
        return TWO[verb.path](maker)
    assert verb.resource and verb.kind == "list", f"TWO says nothing of {verb.path}"
    older, newer = (str(maker.make(verb.resource.object)["id"]) for _ in range(2))
    return Pair(verb.path, newer, older)


def first_two(maker: Maker, path: str, **query: Any) -> Pair:
    newer, older = (entry["id"] for entry in maker.api.get(path, query)["data"][:2])
    return Pair(path, newer, older, query)


def below(path: str, sent: Sent) -> Callable[[Maker], Pair]:
    """Two things that are made at the very path where they are listed."""

    def made(maker: Maker) -> Pair:
        at = maker.filled(path)
        every = [{name: maker.filled(value) for name, value in sent.items()} for _ in range(2)]
        older, newer = (str(maker.done(at, each)["id"]) for each in every)
        return Pair(at, newer, older)

    return made


def given_back(maker: Maker) -> Pair:
    charge = maker.known("charge")
    older, newer = (str(maker.make("refund", charge=charge)["id"]) for _ in range(2))
    return Pair(f"/v1/charges/{charge}/refunds", newer, older)


def cards(maker: Maker) -> Pair:
    customer = maker.known("customer")
    older = maker.api.get(f"/v1/customers/{customer}/payment_methods")["data"][0]["id"]
    sent = {"type": "card", "card[token]": "tok_visa", "allow_redisplay": "always"}
    newer = maker.done("/v1/payment_methods", sent)["id"]
    maker.done(f"/v1/payment_methods/{newer}/attach", {"customer": customer})
    return Pair(f"/v1/customers/{customer}/payment_methods", newer, older)


def movements(maker: Maker) -> Pair:
    older, newer = (str(maker.make("charge")["balance_transaction"]) for _ in range(2))
    return Pair("/v1/balance_transactions", newer, older)


def happened(maker: Maker) -> Pair:
    for _ in range(2):
        maker.make("product")
    return first_two(maker, "/v1/events")


def entitled(maker: Maker) -> Pair:
    product = maker.known("product")
    for _ in range(2):
        feature = maker.make("entitlements.feature")["id"]
        maker.done(f"/v1/products/{product}/features", {"entitlement_feature": feature})
    maker.make("subscription")
    return first_two(maker, "/v1/entitlements/active_entitlements", customer=maker.known("customer"))


def delivered(maker: Maker) -> Pair:
    endpoint = maker.known("webhook_endpoint")
    happened(maker)
    return first_two(maker, f"/v1/webhook_endpoints/{endpoint}/deliveries")


def summed(maker: Maker) -> Pair:
    """Two hours of one customer, each with one event."""
    customer, meter = maker.known("customer"), maker.make("billing.meter")
    hour = int(time.time()) // HOUR * HOUR
    for at in (hour - 2 * HOUR, hour - HOUR):
        payload = {"payload[stripe_customer_id]": customer, "payload[value]": "3", "timestamp": str(at + 60)}
        maker.done("/v1/billing/meter_events", {"event_name": meter["event_name"], **payload})
    spans = {"customer": customer, "start_time": hour - 2 * HOUR, "end_time": hour}
    path = f"/v1/billing/meters/{meter['id']}/event_summaries"
    return first_two(maker, path, **spans, value_grouping_window="hour")


def destinations(maker: Maker) -> Pair:
    older, newer = (str(maker.make("v2.core.event_destination")["id"]) for _ in range(2))
    return Pair("/v2/core/event_destinations", newer, older)


def thin(maker: Maker) -> Pair:
    happened(maker)
    return first_two(maker, "/v2/core/events")


def offered(tail: str) -> Callable[[Maker], Pair]:
    """The two lines of a quote, the first first."""

    def lines(maker: Maker) -> Pair:
        prices = [maker.make("price", recurring=None)["id"] for _ in range(2)]
        quote = maker.make("quote", line_items=[{"price": price} for price in prices])["id"]
        return first_two(maker, f"/v1/quotes/{quote}/{tail}")

    return lines


def parts(maker: Maker) -> Pair:
    """The two items of a subscription: the one that it began with comes first."""
    subscription = maker.known("subscription")
    maker.make("subscription_item", subscription=subscription)
    return first_two(maker, "/v1/subscription_items", subscription=subscription)


TWO: dict[str, Callable[[Maker], Pair]] = {
    "/v1/balance_transactions": movements,
    "/v1/billing/meters/{id}/event_summaries": summed,
    "/v1/charges/{id}/refunds": given_back,
    "/v1/customers/{id}/balance_transactions": below(
        "/v1/customers/{customer}/balance_transactions", {"amount": "-10", "currency": "usd"}
    ),
    "/v1/customers/{id}/payment_methods": cards,
    "/v1/customers/{id}/tax_ids": below(
        "/v1/customers/{customer}/tax_ids", {"type": "eu_vat", "value": "DE136695976"}
    ),
    "/v1/entitlements/active_entitlements": entitled,
    "/v1/events": happened,
    "/v1/products/{id}/features": below(
        "/v1/products/{product}/features", {"entitlement_feature": "{new entitlements.feature}"}
    ),
    "/v1/quotes/{id}/computed_upfront_line_items": offered("computed_upfront_line_items"),
    "/v1/quotes/{id}/line_items": offered("line_items"),
    "/v1/subscription_items": parts,
    "/v1/tax_codes": lambda maker: first_two(maker, "/v1/tax_codes"),
    "/v1/webhook_endpoints/{id}/deliveries": delivered,
    "/v2/core/event_destinations": destinations,
    "/v2/core/events": thin,
}
