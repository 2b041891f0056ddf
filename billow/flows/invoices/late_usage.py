"""Bill usage that was recorded after the draft was made."""

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
    """Calculate the metered lines of drafts again whose usage has changed since (§4.6).

    Where the usage continues after the period, late usage is billed with the next one instead (§4.5). Usage
    that makes an invoice too large is parked.
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
    changed: list[Recounted] = []
    for sheet in sheets:
        keys = {period_key(line) for line in sheet.lines}
        mine = {key for key in keys if (sheet.invoice.id, *key) in own}
        if mine & late:
            lines = lines_with(sheet, {key: periods[key] for key in mine}, used)
            changed.append(Recounted(sheet, lines, mine & late))
    large = too_large(tx, changed)
    replace_lines(tx, [one for one in changed if one not in large])
    unbilled = {key for one in large for key in one.late}
    refs = [one.id for one in found if (one.subscription_item, one.period_start) in unbilled]
    oversize.park(tx, refs, "What came in late is more than an invoice can hold.")


@dataclass(frozen=True, slots=True, eq=False)
class Recounted:
    """A draft with the lines that its late usage leads to."""

    sheet: Sheet
    lines: list[InvoiceLine]
    late: set[Key]
    """The items whose usage changed, each with the start of its period."""


def period_key(line: InvoiceLine) -> Key:
    return line.subscription_item or "", line.period_start


def metered_as(period: Period, line: InvoiceLine) -> Period:
    """Return the period with the metadata of its line, which the item may have lost since."""
    item = period.part.item.but(metadata=dict(line.metadata))
    return replace(period, part=priced_items.with_item(period.part, item))


def too_large(tx: Tx, changed: Sequence[Recounted]) -> list[Recounted]:
    """Return those that no invoice can hold. Totals are calculated only of those that may be too large."""
    doubtful = [one for one in changed if not oversize.always_fits(one.lines)]
    if not doubtful:
        return []
    invoices = [one.sheet.invoice for one in doubtful]
    terms = totals.terms_of(tx, invoices, [line for one in doubtful for line in one.lines])
    return [one for one in doubtful if not fits(one, terms)]


def fits(one: Recounted, terms: totals.Terms) -> bool:
    try:
        totals.calculate(one.sheet.invoice, one.lines, terms)
    except TooLarge:
        return False
    return True


def lines_with(sheet: Sheet, periods: dict[Any, Period], used: dict[Any, Any]) -> list[InvoiceLine]:
    """Return the lines of a draft, those of these periods calculated again from their usage."""
    made: list[InvoiceLine] = []
    done = set()
    for line in sheet.lines:
        key = (line.subscription_item, line.period_start)
        if line.kind != "metered" or key not in periods:
            made.append(line)
        elif key not in done:
            done.add(key)
            more = lines_of(periods[key], sheet.customer.id, used[key])
            # The discounts and tax rates of the draft count; the item may have others by now.
            made += [new.but(discounts=line.discounts, tax_rates=line.tax_rates) for new in more]
    return made


def replace_lines(tx: Tx, changed: Sequence[Recounted]) -> None:
    """Replace the metered lines of drafts in a fixed number of statements; mark their totals as stale."""
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
