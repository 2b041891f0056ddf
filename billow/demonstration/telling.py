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
    lines = [["", marked(line["description"]), usd(line["amount"])] for line in invoice["lines"]["data"]]
    return [*lines, [f"[bold]{name}", f"[bold]{invoice['status']}", f"[bold]{usd(invoice['total'])}"]]


def marked(text: str) -> str:
    """Escape markup and control characters in a text."""
    return escape(plain(text))


def usd(amount: int) -> str:
    return show(amount, "usd")


# ------------------------------------------------------------------------------------- the books


def asked(machine: Machine, report: str, *when: str) -> list[dict[str, str]]:
    """Return the rows of a `billow report`."""
    return list(csv.DictReader(io.StringIO(machine.ask("report", report, "--csv", *when))))


def revenue(machine: Machine, names: Mapping[str, str], since: datetime, until: datetime) -> Table:
    """Show revenue by product and month; prepaid amounts are posted at the end of each month."""
    rows = asked(machine, "revenue", f"--from={since.isoformat()}", f"--to={until.isoformat()}")
    months = sorted({row["month"] for row in rows})
    earned: Counter[tuple[str, str]] = Counter()
    for row in rows:
        for product in (names.get(row["product"], row["product"]), "total"):
            earned[product, row["month"]] += int(row["amount"])
            earned[product, "total"] += int(row["amount"])
    products = [*sorted({product for product, _ in earned} - {"total"}), "total"]
    columns = [*months, "total"]
    lines = [
        [bold(product), *(bold(usd(earned[product, month]), product) for month in columns)]
        for product in products
    ]
    return table("Revenue: what was earned, by the month it was booked in", ["product", *columns], lines)


AGES = {
    "not_due": "not due",
    "days_1_to_30": "1 to 30 days",
    "days_31_to_60": "31 to 60",
    "days_61_to_90": "61 to 90",
}


def aging(machine: Machine, names: Mapping[str, str], at: datetime) -> Table:
    lines = []
    for row in asked(machine, "aging", f"--at={at.isoformat()}"):
        amounts = [usd(int(row[age])) if int(row[age]) else "" for age in AGES]
        lines.append([names.get(row["customer"], row["customer"]), row["number"], *amounts])
    columns = ["customer", "invoice", *AGES.values()]
    return table("Aging: who owes what, and since when", columns, lines, words=2)


def trial_balance(machine: Machine, at: datetime) -> Table:
    """Show the trial balance, with one row for each kind of account."""
    debits: Counter[str] = Counter()
    credited: Counter[str] = Counter()
    accounts: Counter[str] = Counter()
    for row in asked(machine, "trial_balance", f"--at={at.isoformat()}"):
        kind = row["account"].partition(":")[0]
        debits[kind] += int(row["debit"])
        credited[kind] += int(row["credit"])
        accounts[kind] += 1
    rows = [
        [
            CHART[kind].title,
            str(accounts[kind]),
            usd(debits[kind]),
            usd(credited[kind]),
            usd(debits[kind] - credited[kind]),
        ]
        for kind in CHART
        if accounts[kind]
    ]
    sums = [usd(debits.total()), usd(credited.total()), usd(debits.total() - credited.total())]
    rows.append(["[bold]total", *(f"[bold]{cell}" for cell in [str(accounts.total()), *sums])])
    return table(
        "Trial balance of everything so far: debits equal credits",
        ["account", "accounts", "debit", "credit", "balance"],
        rows,
    )


def bold(cell: str, product: str = "") -> str:
    return f"[bold]{cell}" if "total" in (cell, product) else cell


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
