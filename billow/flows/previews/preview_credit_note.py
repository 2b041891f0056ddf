"""Preview a credit note: issue it, show it, and roll it back."""

from collections.abc import Sequence
from typing import Any

from billow.api import fields as f
from billow.api import listing, render, rows
from billow.api.params import made, specs
from billow.api.resource import route
from billow.api.versions.showing import show_now
from billow.core.errors import Refused, require
from billow.flows.invoices.credit_params import Terms
from billow.flows.payments import credit_notes
from billow.flows.previews.next_invoice import dry_run
from billow.resources.credit_note import CreditNote
from billow.resources.credit_note_line import CreditNoteLine
from billow.store.tx import Tx

PATH = "/v1/credit_notes/preview"
LINES = f"{PATH}/lines"
TEMPORARY = "cnli_tmp_"


class PreviewLines(Terms):
    limit: int = f.integer(default=10)
    starting_after: str | None = f.text()
    ending_before: str | None = f.text()


@route("GET", PATH, Terms, of="credit_notes")
def preview(tx: Tx, wanted: Terms) -> dict[str, Any]:
    """Show a credit note as it would be issued. Nothing is stored, and no event is emitted.

    What was paid before may be given back in no way yet, so that its amount can be seen first.
    """
    return dry_run(tx, lambda trial: shown(trial, wanted))


def shown(tx: Tx, wanted: Terms) -> dict[str, Any]:
    """Issue a credit note in this transaction, and show it with the ids of lines that do not exist."""
    tree = tx.notes.get("expand", {})
    note = issued(tx, wanted)
    view = render.one(tx, note, tree)
    show_now(tx, view)  # while there is what it names
    renamed(view["lines"]["data"])
    view["lines"]["url"] = LINES
    return view


def issued(tx: Tx, wanted: Terms) -> CreditNote:
    tx, invoice = credit_notes.lock_invoice(tx, wanted)
    note, _ = credit_notes.issue(tx, invoice, wanted, strict=False)
    return rows.find(tx, CreditNote, note.id)


def renamed(lines: Sequence[dict[str, Any]], first: int = 0) -> None:
    """Give lines of a preview ids that say their place, which are the same in each answer."""
    for place, line in enumerate(lines, first):
        line["id"] = f"{TEMPORARY}{place}"


@route("GET", LINES, PreviewLines, of="credit_notes")
def preview_lines(tx: Tx, wanted: PreviewLines) -> dict[str, Any]:
    """List the lines of a credit note as it would be issued."""
    return dry_run(tx, lambda trial: page(trial, wanted))


def page(tx: Tx, wanted: PreviewLines) -> dict[str, Any]:
    """Return a page of the lines of a preview, whose cursors are the ids that they are shown with."""
    terms = made(Terms, **{name: value for name, value in wanted.sent().items() if name in specs(Terms)})
    note = issued(tx, terms)
    lines = rows.select(tx, CreditNoteLine, "credit_note = %(id)s and not shipping", id=note.id)
    limit = listing.checked_limit(wanted.limit)
    require(
        wanted.starting_after is None or wanted.ending_before is None,
        "You cannot use both starting_after and ending_before.",
        param="ending_before",
        code="parameters_exclusive",
    )
    first = place_of(wanted.starting_after, len(lines), "starting_after") + 1
    end = len(lines)
    if wanted.ending_before is not None:
        end = place_of(wanted.ending_before, len(lines), "ending_before")
        first = max(end - limit, 0)
    last = min(first + limit, end)
    more = first > 0 if wanted.ending_before is not None else last < end
    tree = tx.notes.get("expand", {}).get("data", {})
    views = render.show(tx, lines[first:last], tree)
    found = render.page(views, more, LINES)
    show_now(tx, found)
    renamed(views, first)
    return found


def place_of(id: str | None, count: int, param: str) -> int:
    """Return the place of a line of a preview, by the id that it is shown with; -1 without an id."""
    if id is None:
        return -1
    place = id.removeprefix(TEMPORARY)
    if not (place.isdecimal() and place.isascii() and int(place) < count):
        raise Refused(f"No such credit note line item: '{id}'", param=param, code="resource_missing")
    return int(place)
