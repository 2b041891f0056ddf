"""Show the coupons, and one of them with its codes."""

from typing import Any

import flask

from billow.api import rows
from billow.core.money import decimal_text
from billow.pages.dashboard import facts, layout, object_page
from billow.pages.dashboard.layout import Cell
from billow.pages.dashboard.lists import Column, List, Place, Tab
from billow.pages.dashboard.lists import add as add_list
from billow.pages.dashboard.object_page import Shown
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.resources.coupon import Coupon, is_valid
from billow.resources.promotion_code import PromotionCode

VALID = (
    "(redeem_by is null or redeem_by > %(now)s)"
    " and (max_redemptions is null or times_redeemed < max_redemptions)"
)


def worth(one: Coupon) -> str:
    """Say what a coupon takes off, and for how long."""
    off = (
        f"{decimal_text(one.percent_off)}% off"
        if one.percent_off is not None
        else f"{layout.amount(one.amount_off, one.currency or '').text} off"
    )
    months = f"for {one.duration_in_months} months"
    return f"{off} {({'forever': 'forever', 'once': 'once'}).get(one.duration, months)}"


def state(one: Coupon, place: Place) -> Cell:
    valid = is_valid(one, place.visit.now)
    return Cell("Valid", "badge", tone="good") if valid else Cell("Used up or over", "badge")


def row(place: Place, _: Any, one: Coupon) -> list[Cell]:
    return [
        Cell(one.name or one.id, link=place.visit.to(f"/coupons/{one.id}"), below=one.id if one.name else ""),
        state(one, place),
        Cell(worth(one)),
        Cell(f"{one.times_redeemed:,}", "amount"),
        layout.day(one.created, place.zone),
    ]


LIST = List(
    noun=Coupon,
    path="/coupons",
    title="Coupons",
    one="coupon",
    about="Name or id",
    columns=(
        Column("Coupon"),
        Column("Status"),
        Column("Worth"),
        Column("Redeemed", True),
        Column("Created"),
    ),
    row=row,
    load=lambda tx, found: None,
    tabs=(Tab("valid", "Valid", VALID), Tab("over", "Used up or over", f"not ({VALID})")),
    found="id = %(text)s or name ilike %(like)s",
    narrowed=(),
    new=("/coupons/new", "New coupon", "catalog.write"),
)


def add(app: flask.Flask, desk: Desk) -> None:
    add_list(app, desk, LIST)
    screen(app, desk, "/coupons/<id>", "customers.read", shown)


def shown(visit: Visit, id: str) -> flask.Response:
    with visit.reads() as tx:
        one = rows.find(tx, Coupon, id)
        place = facts.place_of(visit, tx)
        codes = rows.select(tx, PromotionCode, "coupon = %(id)s", id=id)
        columns = (Column("Code"), Column("Status"), Column("Redeemed", True), Column("Until"))
        found = Shown(
            one.name or one.id,
            pairs(place, one),
            facts.story(tx, place, [id]),
            facts.metadata(one),
            state(one, place),
            ways=[(visit.to(f"/coupons/{id}/code"), "New code")] if visit.may("catalog.write") else (),
            tables=[("Promotion codes", columns, [code_row(place, each) for each in codes])] if codes else (),
        )
    return object_page.page(visit, LIST, found)


def code_row(place: Place, one: PromotionCode) -> list[Cell]:
    return [
        Cell(one.code),
        Cell("Active", "badge", tone="good") if one.active else Cell("Off", "badge"),
        Cell(f"{one.times_redeemed:,}", "amount"),
        layout.day(one.expires_at, place.zone),
    ]


def pairs(place: Place, one: Coupon) -> list[tuple[str, Cell]]:
    most = (
        f"{one.times_redeemed:,} of {one.max_redemptions:,}"
        if one.max_redemptions
        else f"{one.times_redeemed:,}"
    )
    return [
        ("Id", facts.id_of(one.id)),
        ("Worth", Cell(worth(one))),
        ("Redeemed", Cell(most)),
        ("Until", layout.day(one.redeem_by, place.zone)),
        ("Created", Cell(layout.when(one.created, place.zone))),
    ]
