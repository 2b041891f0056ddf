"""Show one object of a kind that has nothing of its own but facts, tables and its story."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import flask

from billow.pages.dashboard import layout
from billow.pages.dashboard.layout import NOTHING, Cell
from billow.pages.dashboard.lists import Column, List
from billow.pages.dashboard.visit import Visit

Pairs = Sequence[tuple[str, Cell]]
Table = tuple[str, Sequence[Column], list[list[Cell]]]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the screen of one object shows; `paper` is where its PDF is."""

    title: str
    pairs: Pairs
    story: list[dict[str, object]]
    metadata: Pairs = ()
    badge: Cell = NOTHING
    notice: str = ""
    paper: str | None = None
    tables: Sequence[Table] = field(default=())
    ways: Sequence[tuple[str, str]] = ()
    """The screens that change it: each address and its words."""


def page(visit: Visit, trail: List, shown: Shown) -> flask.Response:
    """Render the screen of an object; `trail` is the list that it is in."""
    return layout.page(
        visit,
        "object.html",
        shown.title,
        trail=trail,
        badge=shown.badge,
        notice=shown.notice,
        paper=shown.paper,
        tables=shown.tables,
        ways=shown.ways,
        pairs=shown.pairs,
        metadata=shown.metadata,
        story=shown.story,
    )
