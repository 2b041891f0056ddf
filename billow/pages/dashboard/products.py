"""Show the products, and one of them with its prices and their tiers."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import flask

from billow.api import rows
from billow.core.errors import Refused, require
from billow.pages import frame
from billow.pages.dashboard import facts, layout, price_view, subscriptions
from billow.pages.dashboard.layout import NOTHING, Cell
from billow.pages.dashboard.lists import Column, List, Place, Tab
from billow.pages.dashboard.lists import add as add_list
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.resources.price import Price
from billow.resources.product import Product, update
from billow.store.tx import Tx


def prices_of(tx: Tx, found: Sequence[Product]) -> dict[str, list[Price]]:
    """Return the prices of each product, the oldest first."""
    ids = [one.id for one in found]
    prices: dict[str, list[Price]] = {id: [] for id in ids}
    for one in rows.select(
        tx, Price, "product = any(%(ids)s) and not inline", "order by created, id", ids=ids
    ):
        prices[one.product].append(one)
    return prices


def row(place: Place, prices: Any, one: Product) -> list[Cell]:
    own = prices.get(one.id, [])
    first = next((each for each in own if each.active), None)
    more = f"and {len(own) - 1} more" if len(own) > 1 else ""
    return [
        Cell(one.name, link=place.visit.to(f"/products/{one.id}"), below=one.description or ""),
        Cell("Active", "badge", tone="good") if one.active else Cell("Archived", "badge"),
        Cell(subscriptions.price_text(first), below=more) if first else NOTHING,
        facts.text(one.tax_code),
        layout.day(one.created, place.zone),
    ]


LIST = List(
    noun=Product,
    path="/products",
    title="Products",
    one="product",
    about="Name or id",
    columns=(Column("Product"), Column("Status"), Column("Price"), Column("Tax code"), Column("Created")),
    row=row,
    load=prices_of,
    tabs=(Tab("active", "Active", "active"), Tab("archived", "Archived", "not active")),
    found="id = %(text)s or name ilike %(like)s",
    narrowed=(),
    new=("/products/new", "New product", "catalog.write"),
)


def add(app: flask.Flask, desk: Desk) -> None:
    add_list(app, desk, LIST)
    screen(app, desk, "/products/<id>", "customers.read", shown, writes=acted, writing="catalog.write")


def shown(visit: Visit, id: str, problem: str | None = None) -> flask.Response:
    with visit.reads() as tx:
        one = rows.find(tx, Product, id)
        place = facts.place_of(visit, tx)
        prices = prices_of(tx, [one]).get(id, [])
        values: dict[str, Any] = {
            "prices": [price_row(place, one, each) for each in prices],
            "tiered": [(each.nickname or each.id, tier_rows(each)) for each in prices if each.tiers],
            "story": facts.story(tx, place, [id, *(each.id for each in prices)]),
            "pairs": pairs(place, one),
            "metadata": facts.metadata(one),
        }
    return layout.page(
        visit,
        "product.html",
        one.name,
        422 if problem else 200,
        active=one.active,
        act=("archive", "Archive") if one.active else ("restore", "Offer it again"),
        here=visit.to(f"/products/{id}"),
        problem=problem,
        writes=visit.may("catalog.write"),
        price_columns=(Column("Price"), Column("Status"), Column("Usage"), Column("Created")),
        tier_columns=(Column("Up to"), Column("Each", True), Column("Flat fee", True)),
        **values,
    )


def acted(visit: Visit, form: Mapping[str, str], id: str) -> flask.Response:
    """Archive a product, or offer it again; who has subscribed to its prices keeps them."""
    act = form.get("act", "")
    try:
        require(act in ("archive", "restore"), "There is no such act.")
        with visit.desk.db.transaction(visit.tenant) as tx:
            one = rows.lock(tx, Product, id)
            visit.note(tx, f"products.{act}", id, name=one.name)
            update(tx, one, {"active": act == "restore"})
    except Refused as error:
        return shown(visit, id, error.message)
    return frame.see(visit.to(f"/products/{id}"))


def price_row(place: Place, product: Product, one: Price) -> list[Cell]:
    metered = (one.recurring or {}).get("usage_type") == "metered"
    state = Cell("Active", "badge", tone="good") if one.active else Cell("Archived", "badge")
    return [
        Cell(
            subscriptions.price_text(one),
            link=place.visit.to(f"/prices/{one.id}"),
            below=one.nickname or one.lookup_key or one.id,
        ),
        Cell("Default", "badge", tone="info") if product.default_price == one.id else state,
        Cell("By usage" if metered else "By quantity" if one.recurring else "Once"),
        layout.day(one.created, place.zone),
    ]


def tier_rows(price: Price) -> list[list[Cell]]:
    """Return the tiers of a price; unit amounts keep all their decimals."""
    found = []
    for tier in price.tiers or []:
        amounts = (tier.get("unit_amount_decimal"), tier.get("flat_amount_decimal"))
        end = "and above" if tier.get("up_to") is None else f"{tier['up_to']:,}"
        rates = (price_view.rate(Decimal(each), price.currency) if each else NOTHING for each in amounts)
        found.append([Cell(end), *rates])
    return found


def pairs(place: Place, one: Product) -> list[tuple[str, Cell]]:
    return [
        ("Id", facts.id_of(one.id)),
        ("Tax code", facts.text(one.tax_code)),
        ("Unit", facts.text(one.unit_label)),
        ("On statements", facts.text(one.statement_descriptor)),
        ("Created", Cell(layout.when(one.created, place.zone))),
    ]
