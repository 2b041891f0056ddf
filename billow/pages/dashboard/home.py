"""Show what needs somebody today, and how the month goes, by currency."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import flask

from billow import reports
from billow.core.recurring import KINDS
from billow.flows.reporting import answers
from billow.flows.taxes import registered, sources
from billow.pages.dashboard import charts, facts, layout, set_up_page, settings_page
from billow.pages.dashboard.layout import Cell
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.store.tx import Tx

ATTENTION: Sequence[tuple[str, str | None, str]] = (
    (
        "Payments that are not tried again",
        "/invoices?tab=failing",
        "select count(*) from invoices where status = 'open' and attempt_count > 0"
        " and next_payment_attempt is null and collection_method = 'charge_automatically'",
    ),
    (
        "Overdue invoices",
        "/invoices?tab=late",
        "select count(*) from invoices where status = 'open' and due_date < %(now)s",
    ),
    (
        "Drafts that could not be finalized",
        "/invoices?tab=draft",
        "select count(*) from invoices where status = 'draft' and last_finalization_error is not null",
    ),
    (
        "Subscriptions past due",
        "/subscriptions?tab=past_due",
        "select count(*) from subscriptions where status in ('past_due', 'unpaid')",
    ),
    (
        "Disputes that wait for an answer",
        "/disputes?tab=open",
        "select count(*) from disputes where status in ('needs_response', 'warning_needs_response')",
    ),
    (
        "Mails without the e-invoice that the customer wants",
        "/mails?tab=lacking",
        "select count(*) from mails where left_out is not null",
    ),
    ("Transfers in the bank queue", "/bank", "select count(*) from bank_entries where state = 'queued'"),
    (
        "Jobs that were given up",
        "/runs",
        "select count(*) from jobs where parked and tenant = current_setting('billow.tenant')",
    ),
)
"""What needs somebody: in words, the screen that lists it if there is one, and how it is counted."""
RIGHTS = {"/bank": "bank.read"}
"""The rights of those screens that not everybody opens."""
MONTHS = 12
MOST_PERCENT = 999
"""Above it a change is not told as a percentage."""


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "", "customers.read", shown)


def shown(visit: Visit) -> flask.Response:
    answers.bring_up_to_date(visit.desk.db, visit.tenant, "mrr")
    with visit.reads() as tx:
        place = facts.place_of(visit, tx)
        months = months_before(tx.wall, place.zone)
        month = {"from": months[-1], "to": tx.wall}
        past = {"from": months[-2], "to": months[-2] + (tx.wall - months[-1])}
        now, before = Figures(tx, month), Past(tx, past)
        values: dict[str, Any] = {
            "attention": attention(tx, visit),
            "tiles": tiles(visit, now, before, answers.answer(tx, "mrr", **month)),
            "charts": revenue_charts(tx, months, place.zone) if visit.may("reports.read") else [],
            "checklist": set_up_page.checklist(visit, tx),
            "latest": facts.latest(tx, place),
            "as_of": layout.when(tx.wall, place.zone),
            "month": months[-1].astimezone(ZoneInfo(place.zone)).strftime("%B %Y"),
        }
    return layout.page(visit, "home.html", "Home", **values)


def months_before(now: datetime, zone: str) -> list[datetime]:
    """Return when the last twelve months began in a time zone, this one last."""
    local = now.astimezone(ZoneInfo(zone))
    found = []
    for back in reversed(range(MONTHS)):
        number = local.year * 12 + local.month - 1 - back
        begins = datetime(number // 12, number % 12 + 1, 1, tzinfo=ZoneInfo(zone))
        found.append(begins.astimezone(UTC))
    return found


def attention(tx: Tx, visit: Visit) -> list[dict[str, Any]]:
    """Count what needs somebody; what is nothing is left out."""
    found = []
    number = sources.unregistered(tx)
    if number:
        text = (
            f"No tax registration is in force beside the VAT number {number}:"
            " automatic tax bills nothing in live mode"
        )
        link = visit.to("/settings/tax") if visit.may(settings_page.RIGHT) else None
        found.append({"text": text, "link": link, "number": ""})
    company = visit.to("/settings/company") if visit.may(settings_page.RIGHT) else None
    found += [
        {"text": one.partition(": `")[0], "link": company, "number": ""} for one in registered.lacking(tx)
    ]
    for text, path, sql in ATTENTION:
        [(number,)] = tx.tuples(sql, now=tx.wall)
        if number:
            path = path if visit.may(RIGHTS.get(path or "", "customers.read")) else None
            found.append({"text": text, "link": path and f"{visit.home}{path}", "number": f"{number:,}"})
    return found


class Figures:
    """What reports say of an interval, by currency."""

    def __init__(self, tx: Tx, interval: dict[str, datetime]) -> None:
        self.home = {row[0]: row[1:] for row in reports.run(tx, "home", **interval).rows}
        self.net = net_of(tx, interval)


class Past:
    """What the month before is compared with, by currency: what was owed then is not asked."""

    def __init__(self, tx: Tx, interval: dict[str, datetime]) -> None:
        self.invoiced = {row[0]: row[1] for row in reports.run(tx, "invoiced", **interval).rows}
        self.net = net_of(tx, interval)


def net_of(tx: Tx, interval: dict[str, datetime]) -> dict[str, int]:
    found: dict[str, int] = {}
    for _, currency, _, _, net in reports.run(tx, "net_revenue", **interval).rows:
        found[currency] = found.get(currency, 0) + net
    return found


def tiles(visit: Visit, now: Figures, before: Past, mrr: reports.Table) -> list[dict[str, Any]]:
    """Return the figures of each currency, each as its report has it; none are added up over currencies."""
    recurring = {row[2]: row for row in mrr.rows if not row[1]}
    return [
        {
            "currency": currency.upper(),
            "figures": figures_of(visit, currency, now, before, recurring.get(currency)),
        }
        for currency in sorted({*now.home, *now.net, *recurring})
    ]


def figures_of(
    visit: Visit, currency: str, now: Figures, before: Past, mrr: Sequence[Any] | None
) -> list[tuple[str, Cell, str]]:
    invoiced, _, owed, overdue = now.home.get(currency, (0, 0, 0, 0))
    net = now.net.get(currency, 0)

    def amount(value: int, report: str) -> Cell:
        link = visit.to(f"/reports/{report}") if visit.may("reports.read") else None
        return replace(layout.amount(value, currency), link=link)

    earned = [
        ("MRR", amount(mrr[-1] if mrr else 0, "mrr"), movements_text(mrr, currency)),
        (
            "Net revenue this month",
            amount(net, "net_revenue"),
            compared(net, before.net.get(currency), currency),
        ),
    ]
    return [
        *(earned if visit.may("reports.read") else ()),
        (
            "Invoiced this month",
            layout.amount(invoiced, currency),
            compared(invoiced, before.invoiced.get(currency), currency),
        ),
        ("Receivables", amount(owed, "aging"), overdue_text(overdue, currency)),
    ]


def movements_text(mrr: Sequence[Any] | None, currency: str) -> str:
    """Say what moved monthly recurring revenue this month."""
    moved = zip(KINDS, mrr[4:9], strict=True) if mrr else ()
    told = [f"{kind} {layout.amount(value, currency).text}" for kind, value in moved if value]
    return f"this month: {', '.join(told)}" if told else "no change this month"


def compared(now: int, before: int | None, currency: str) -> str:
    """Compare a figure with that of the same days of the month before.

    As a percentage where that says something, which it does not of next to nothing, or of a negative figure.
    """
    if not before:
        return "nothing in the same days last month"
    change = 100 * (now - before) / abs(before)
    if before < 0 or abs(change) > MOST_PERCENT:
        past = layout.amount(before, currency).text
        if before > 0 and change > 0:
            return f"more than ten times the {past} of the same days last month"
        return f"after {past} in the same days last month"
    word = "up" if change > 0 else "down" if change < 0 else "no change"
    return f"{change:+.1f} %, {word} on the same days last month"


def overdue_text(overdue: int, currency: str) -> str:
    return f"of it overdue {layout.amount(overdue, currency).text}" if overdue else "nothing overdue"


def revenue_charts(tx: Tx, months: Sequence[datetime], zone: str) -> list[dict[str, Any]]:
    """Draw the revenue of the last months, one chart for each currency."""
    table = reports.run(tx, "revenue", **{"from": months[0], "to": tx.wall})
    by_currency: dict[str, dict[str, int]] = {}
    for month, _, currency, amount in table.rows:
        sums = by_currency.setdefault(currency, {})
        sums[month] = sums.get(month, 0) + amount
    names = [one.astimezone(ZoneInfo(zone)).strftime("%Y-%m") for one in months]
    found = []
    for currency, sums in sorted(by_currency.items()):
        values = [sums.get(name, 0) for name in names]
        cells = [
            [Cell(name), layout.amount(value, currency)] for name, value in zip(names, values, strict=True)
        ]
        found.append(
            {
                "title": f"Revenue by month, {currency.upper()}",
                "svg": charts.columns(
                    names,
                    [float(layout.in_main_unit(value, currency)) for value in values],
                    f"Revenue earned in each of the last {MONTHS} months in {currency.upper()}",
                ),
                "rows": cells,
            }
        )
    return found
