"""Count usage that came in after the draft was made."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from billow.api import rows
from billow.core.bounds import TooLarge
from billow.flows.billing import billing_periods, drafts, metered_usage, oversize, priced_items, totals
from billow.flows.billing.lines import Period, lines_of
from billow.flows.invoices.sheet import Sheet
from billow.resources.billing_period import BillingPeriod
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.store.tx import Tx


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
    periods = {
        (period.part.item.id, period.start): metered_as(period, ended)
        for period in billing_periods.periods_of(tx, found)
    }
    customers = {line.subscription or "": line.customer for line in ended}
    used = metered_usage.measured(tx, list(periods.values()), customers)
    billed = {period_key(line): line.usage for line in ended}
    late = {key for key in periods if used[key] != billed[key]}
    for sheet in sheets:
        keys = {period_key(line) for line in sheet.lines}
        mine = {key for key in keys if (sheet.invoice.id, *key) in own}
        if mine & late:
            made = redone(sheet, {key: periods[key] for key in mine}, used)
            if fits(tx, sheet.invoice, made):
                put_in_place(tx, sheet, made)
            else:
                refs = [one.id for one in found if (one.subscription_item, one.period_start) in mine & late]
                oversize.park(tx, refs, "What came in late is more than an invoice can hold.")


def period_key(line: InvoiceLine) -> tuple[str, datetime]:
    return line.subscription_item or "", line.period_start


def metered_as(period: Period, lines: Sequence[InvoiceLine]) -> Period:
    """The period with the metadata that its lines bear, which the item may have lost since."""
    item = period.part.item
    own = next(
        line for line in lines if (line.subscription_item, line.period_start) == (item.id, period.start)
    )
    return replace(period, part=priced_items.with_item(period.part, item.but(metadata=dict(own.metadata))))


def fits(tx: Tx, invoice: Invoice, lines: Sequence[InvoiceLine]) -> bool:
    """Whether an invoice can hold the lines; only what might not be is reckoned for that."""
    if oversize.surely_fits(lines):
        return True
    try:
        totals.reckoned(invoice, lines, totals.terms_of(tx, [invoice], lines))
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


def put_in_place(tx: Tx, sheet: Sheet, made: Sequence[InvoiceLine]) -> None:
    """Replace the metered lines of one invoice by those that were counted again, and note that it changed."""
    kept_ids = [line.id for line in made if line.id]
    tx.run(
        "delete from invoice_lines where invoice = %(id)s and kind = 'metered' and id <> all(%(kept)s)",
        id=sheet.invoice.id,
        kept=kept_ids,
    )
    placed = [drafts.place_line(line, sheet.invoice.id, place) for place, line in enumerate(made)]
    new = rows.insert_many(tx, [line for line in placed if not line.id])
    kept = [(old, {"position": line.position}) for line in placed for old in sheet.lines if line.id == old.id]
    sheet.lines = sorted([*new, *rows.update_many(tx, kept)], key=lambda line: line.position)
    sheet.stale = True
