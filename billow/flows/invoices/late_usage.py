"""Count usage that came in after the draft was made."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from billow.api import rows
from billow.core.bounds import TooLarge
from billow.flows.billing import billing_periods, drafts, metered_usage, oversize, priced_items, totals
from billow.flows.billing.lines import Period, lines_of
from billow.flows.invoices.sheet import Sheet
from billow.resources.billing_period import BillingPeriod
from billow.resources.invoice_line import InvoiceLine
from billow.store.tx import Tx

Key = tuple[str, datetime]
"""A subscription item, and the start of its period."""


def recount(tx: Tx, sheets: Sequence[Sheet]) -> None:
    """Usage that came in while the draft stood counts: where it changed, metered lines are redone (§4.6).

    Not where the same use goes on after it: then what comes late is billed with what follows (§4.5).
    """
    metered = [line for sheet in sheets for line in sheet.lines if line.kind == "metered"]
    invoices = [sheet.invoice.id for sheet in sheets]
    billed_by = "invoice = any(%(ids)s) and kind = 'metered' and not continued"
    found = rows.select(tx, BillingPeriod, billed_by, ids=invoices) if metered else []
    own = {(one.invoice, one.subscription_item, one.period_start) for one in found}
    ended = [line for line in metered if (line.invoice, *period_key(line)) in own]
    first_lines = {period_key(line): line for line in reversed(ended)}
    periods = {
        key: metered_as(period, first_lines[key])
        for period in billing_periods.periods_of(tx, found)
        for key in [(period.part.item.id, period.start)]
    }
    customers = {line.subscription or "": line.customer for line in ended}
    used = metered_usage.measure(tx, list(periods.values()), customers)
    billed = {period_key(line): line.usage for line in ended}
    late = {key for key in periods if used[key] != billed[key]}
    changed: list[Redone] = []
    for sheet in sheets:
        keys = {period_key(line) for line in sheet.lines}
        mine = {key for key in keys if (sheet.invoice.id, *key) in own}
        if mine & late:
            changed.append(
                Redone(sheet, redone(sheet, {key: periods[key] for key in mine}, used), mine & late)
            )
    large = too_large(tx, changed)
    put_in_place(tx, [one for one in changed if one not in large])
    unbilled = {key for one in large for key in one.late}
    refs = [one.id for one in found if (one.subscription_item, one.period_start) in unbilled]
    oversize.park(tx, refs, "What came in late is more than an invoice can hold.")


@dataclass(frozen=True, slots=True, eq=False)
class Redone:
    """An invoice with its lines as they are with the usage that came in late."""

    sheet: Sheet
    lines: list[InvoiceLine]
    late: set[Key]
    """The items, with the start of their period, whose usage changed."""


def period_key(line: InvoiceLine) -> Key:
    return line.subscription_item or "", line.period_start


def metered_as(period: Period, line: InvoiceLine) -> Period:
    """The period with the metadata that its lines bear, which the item may have lost since."""
    item = period.part.item.but(metadata=dict(line.metadata))
    return replace(period, part=priced_items.with_item(period.part, item))


def too_large(tx: Tx, changed: Sequence[Redone]) -> list[Redone]:
    """Those that no invoice can hold; only what might be too much is calculated for that."""
    doubtful = [one for one in changed if not oversize.always_fits(one.lines)]
    if not doubtful:
        return []
    invoices = [one.sheet.invoice for one in doubtful]
    terms = totals.terms_of(tx, invoices, [line for one in doubtful for line in one.lines])
    return [one for one in doubtful if not fits(one, terms)]


def fits(one: Redone, terms: totals.Terms) -> bool:
    try:
        totals.calculate(one.sheet.invoice, one.lines, terms)
    except TooLarge:
        return False
    return True


def redone(sheet: Sheet, periods: dict[Any, Period], used: dict[Any, Any]) -> list[InvoiceLine]:
    """The lines of one invoice with those of these periods counted again, in their places."""
    made: list[InvoiceLine] = []
    done = set()
    for line in sheet.lines:
        key = (line.subscription_item, line.period_start)
        if line.kind != "metered" or key not in periods:
            made.append(line)
        elif key not in done:
            done.add(key)
            more = lines_of(periods[key], sheet.customer.id, used[key])
            # Its item may have others by now: what counts is what it had when it was billed.
            made += [new.but(discounts=line.discounts, tax_rates=line.tax_rates) for new in more]
    return made


def put_in_place(tx: Tx, changed: Sequence[Redone]) -> None:
    """Replace the metered lines of invoices by those that were counted again, and note that they changed.

    A fixed number of statements for any number of invoices.
    """
    if not changed:
        return
    rows.delete_where(
        tx,
        InvoiceLine,
        "invoice = any(%(ids)s) and kind = 'metered' and id <> all(%(kept)s)",
        ids=[one.sheet.invoice.id for one in changed],
        kept=[line.id for one in changed for line in one.lines if line.id],
    )
    placed = [
        drafts.place_line(line, one.sheet.invoice.id, place)
        for one in changed
        for place, line in enumerate(one.lines)
    ]
    before = {line.id: line for one in changed for line in one.sheet.lines}
    new = rows.insert_many(tx, [line for line in placed if not line.id])
    kept = [(before[line.id], {"position": line.position}) for line in placed if line.id]
    lines: dict[str, list[InvoiceLine]] = {}
    for line in (*new, *rows.update_many(tx, kept)):
        lines.setdefault(line.invoice, []).append(line)
    for one in changed:
        one.sheet.lines = sorted(lines[one.sheet.invoice.id], key=lambda line: line.position)
        one.sheet.stale = True
