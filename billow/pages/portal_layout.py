"""Lay out the screens of the billing portal: one frame, and the way from one to the other."""

from typing import Any
from urllib.parse import urlencode

import flask

from billow.api import rows
from billow.flows.outside.seller import seller_of
from billow.pages import frame
from billow.pages.portal_entry import Entry
from billow.resources.price import Price
from billow.resources.product import Product
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store.tx import Tx

RUNNING = "customer = %(id)s and status in ('active', 'trialing', 'past_due') and not provisional"
METERED = """
    select 1 from subscriptions s join subscription_items i on i.subscription = s.id
    join prices p on p.id = i.price where s.customer = %(id)s and s.status <> 'canceled'
    and not s.provisional and p.recurring ->> 'meter' is not null limit 1"""
CREDITED = """
    select 1 from credit_grants where customer = %(id)s union all
    select 1 from active_entitlements where customer = %(id)s union all
    select 1 from customers where id = %(id)s and balance <> 0 limit 1"""


def link(entry: Entry, **args: str) -> str:
    """Return the address of a screen: `link(entry, show="usage")`."""
    return f"{entry.address}?{urlencode({name: value for name, value in args.items() if value})}"


def screens_of(tx: Tx, entry: Entry) -> list[str]:
    """Return the screens that a customer has something on: what is empty or switched off is not there."""
    id = entry.customer.id
    found = {
        "costs": bool(rows.select(tx, Subscription, RUNNING, "limit 1", id=id)),
        "usage": tx.one(METERED, id=id) is not None,
        "papers": entry.configuration.features["invoice_history"]["enabled"],
        "credits": tx.one(CREDITED, id=id) is not None,
    }
    return [name for name, there in found.items() if there]


def name_of(tx: Tx, subscription: str) -> str:
    """Name what a subscription is for: its products."""
    return names(tx, rows.below(tx, SubscriptionItem, "subscription", [subscription])[subscription])


def names(tx: Tx, items: list[SubscriptionItem]) -> str:
    """Name what subscription items are for: their products."""
    prices = rows.find_many(tx, Price, [item.price for item in items])
    products = rows.find_many(tx, Product, [price.product for price in prices.values()])
    return ", ".join(product.name for product in products.values())


def places(tx: Tx, entry: Entry, current: str) -> list[tuple[str, str, bool]]:
    """Return the way to each screen: its name, its address, and whether it is the one that is shown."""
    names = screens_of(tx, entry)
    if not names:
        return []
    ways = [(name, link(entry, show=name), name == current) for name in names]
    return [("home", entry.home, current == "home"), *ways]


def page(
    tx: Tx, entry: Entry, template: str, current: str, status: int = 200, **values: Any
) -> flask.Response:
    """Render a screen of the portal."""
    return frame.page(
        template,
        entry.words.language,
        status,
        address=entry.address,
        back=entry.session.return_url,
        **frame.branded(tx),
        places=places(tx, entry, current),
        seller=seller_of(tx).name,
        test=not tx.livemode,
        token=frame.token_of(entry.outside, entry.address),
        **values,
    )
