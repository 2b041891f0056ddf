"""Format the tables and texts of the demonstration."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from billow.core.money import show
from billow.core.plain_text import plain
from billow.demonstration.client import Json
from billow.demonstration.machine import Machine
from billow.ledger.chart import CHART

Cells = Sequence[str]


def heading(console: Console, words: str) -> None:
    console.print()
    console.rule(f"[bold]{words}[/bold]", align="left", style="cyan")


def table(title: str, columns: Sequence[str], rows: Iterable[Cells], *, words: int = 1) -> Table:
    """Make a table. The first `words` columns are text, the others numbers."""
    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for place, column in enumerate(columns):
        made.add_column(column, justify="left" if place < words else "right", overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def lines_of(invoice: Json) -> list[Cells]:
    name = marked(f"{invoice['customer_name']}, {invoice['number']}")
    currency = invoice["currency"]
    lines = [
        ["", marked(line["description"]), show(line["amount"], currency)] for line in invoice["lines"]["data"]
    ]
    return [
        *lines,
        [f"[bold]{name}", f"[bold]{invoice['status']}", f"[bold]{show(invoice['total'], currency)}"],
    ]


def marked(text: str) -> str:
    """Escape markup and control characters in a text."""
    return escape(plain(text))


def sums(amounts: Iterable[tuple[str, int]]) -> str:
    """Return the sum of amounts in each of their currencies."""
    added: Counter[str] = Counter()
    for currency, amount in amounts:
        added[currency] += amount
    return ", ".join(show(added[currency], currency) for currency in sorted(added))


# ------------------------------------------------------------------------------------- the books


def asked(machine: Machine, report: str, *when: str) -> list[dict[str, str]]:
    """Return the rows of a `billow report`."""
    return list(csv.DictReader(io.StringIO(machine.ask("report", report, "--csv", *when))))


def revenue(machine: Machine, names: Mapping[str, str], since: datetime, until: datetime, by: str) -> Table:
    """Show revenue by product, or by the month it was booked in; prepaid amounts at the end of each month."""
    rows = asked(machine, "revenue", f"--from={since.isoformat()}", f"--to={until.isoformat()}")
    earned: Counter[tuple[str, str]] = Counter()
    for row in rows:
        for what in (names.get(row[by], row[by]), "total"):
            earned[what, row["currency"]] += int(row["amount"])
    currencies = sorted({row["currency"] for row in rows})
    whats = [*sorted({what for what, _ in earned} - {"total"}), "total"]
    lines = [
        [bold(what, what), *(bold(show(earned[what, currency], currency), what) for currency in currencies)]
        for what in whats
    ]
    return table(f"Revenue: what was earned, by {by}", [by, *(name.upper() for name in currencies)], lines)


AGES = {
    "not_due": "not due",
    "days_1_to_30": "1 to 30 days",
    "days_31_to_60": "31 to 60",
    "days_61_to_90": "61 to 90",
    "days_91_to_120": "91 to 120",
    "days_over_120": "over 120",
}


def aging(machine: Machine, names: Mapping[str, str], at: datetime) -> Table:
    lines = []
    for row in asked(machine, "aging", f"--at={at.isoformat()}"):
        amounts = [show(int(row[age]), row["currency"]) if int(row[age]) else "" for age in AGES]
        lines.append([names.get(row["customer"], row["customer"]), row["number"], *amounts])
    columns = ["customer", "invoice", *AGES.values()]
    return table("Aging: who owes what, and since when", columns, lines, words=2)


def trial_balance(machine: Machine, at: datetime) -> Table:
    """Show the trial balance, with one row for each kind of account; credit balances are negative."""
    balances: Counter[tuple[str, str]] = Counter()
    accounts: Counter[str] = Counter()
    currencies: set[str] = set()
    for row in asked(machine, "trial_balance", f"--at={at.isoformat()}"):
        kind, currency = row["account"].partition(":")[0], row["currency"]
        for what in (kind, "total"):
            balances[what, currency] += int(row["balance"])
            accounts[what] += 1
        currencies.add(currency)
    columns = sorted(currencies)
    rows = [
        [
            bold(CHART[kind].title if kind in CHART else kind, kind),
            bold(str(accounts[kind]), kind),
            *(bold(show(balances[kind, currency], currency), kind) for currency in columns),
        ]
        for kind in (*CHART, "total")
        if accounts[kind]
    ]
    return table(
        "Trial balance of everything so far: each currency adds up to zero",
        ["account", "accounts", *(currency.upper() for currency in columns)],
        rows,
    )


def bold(cell: str, what: str) -> str:
    """Return a cell, set in bold in the row of the total."""
    return f"[bold]{marked(cell)}" if what == "total" else marked(cell)


# ------------------------------------------------------------------------------------- one invoice explained

TRANSFER = re.compile(r"\s+(\S+) [\d:]+Z\s+(\S+)\s+(\S+)\s+from (\S+)\s+(\S+)$")


def explained(machine: Machine, invoice: str, names: Mapping[str, str], most: int = 12) -> list[str]:
    """Return the text of `billow explain`, with names instead of ids, and without the last transfers."""
    told: list[str] = []
    transfers = 0
    for line in machine.ask("explain", invoice).splitlines():
        if found := TRANSFER.match(line):
            transfers += 1
            day, event, debit, credit, amount = found.groups()
            taker, giver = named(debit, names), named(credit, names)
            line = f"    {day}  {event:<18}  {taker:<22} from {giver:<22} {amount:>9}"
        if transfers <= most:
            told.append(line)
    return [*told, f"    … and {transfers - most} more"] if transfers > most else told


def named(account: str, names: Mapping[str, str]) -> str:
    kind, _, detail = account.partition(":")
    return f"{kind}:{names.get(detail, detail)}" if detail else kind
