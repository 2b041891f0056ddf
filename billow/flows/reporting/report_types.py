"""Declare the types of reports that the API runs: Stripe's that the balance answers, and billow's own."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from billow import reports
from billow.core.money import minor_digits
from billow.flows.reporting import answers
from billow.reports import Table
from billow.store.tx import Tx

INTERVAL = ("interval_start", "interval_end")
PAYOUTS = ("payout", "payout_cancel", "payout_failure")
ROW = (
    "select b.id, b.created, b.available_on, b.currency, b.amount, b.fee, b.net, b.reporting_category,"
    " b.source, b.description, b.payout, b.type, p.arrival_date, p.status, c.customer, c.payment_intent"
    " from balance_transactions b left join payouts p on p.id = b.payout"
    " left join charges c on c.id = b.source"
    " where b.created < %(until)s and (%(currency)s::text is null or b.currency = %(currency)s)"
    " and (%(category)s::text is null or b.reporting_category = %(category)s)"
    " and (%(payout)s::text is null or b.payout = %(payout)s)"
    " and (%(since)s::timestamptz is null or b.created >= %(since)s)"
    " order by b.created, b.id"
)
MOVED = ("balance_transaction_id", "created_utc", "created", "available_on_utc", "available_on", "currency",
    "gross", "fee", "net", "reporting_category", "source_id", "description", "customer_id",
    "payment_intent_id")  # fmt: skip
PAID_OUT = ("automatic_payout_id", "automatic_payout_effective_at_utc")
SUMMED = ("reporting_category", "currency", "count", "gross", "fee", "net")

AMOUNTS = ("amount", "fee", "net")
NAMED = ("reporting_category", "source", "description", "customer", "payment_intent")

Row = dict[str, Any]
"""A balance transaction, with its payout and its charge."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run asks for: instants and filters, of which those that its type has not are None."""

    start: datetime | None
    end: datetime
    currency: str | None = None
    payout: str | None = None
    category: str | None = None
    zone: str = "Etc/UTC"


@dataclass(frozen=True, slots=True)
class Type:
    """A type of report: its name, what a run must and may ask for, its columns, and who answers."""

    id: str
    name: str
    required: Sequence[str]
    optional: Sequence[str]
    columns: Sequence[str]
    run: Callable[[Tx, "Asked"], Table]


def rows_until(tx: Tx, asked: Asked, since: datetime | None = None) -> list[Row]:
    """Return the balance transactions before the end of the interval, of what was asked for."""
    return tx.all(
        ROW,
        until=asked.end,
        since=since,
        currency=asked.currency,
        category=asked.category,
        payout=asked.payout,
    )


def rows_within(tx: Tx, asked: Asked) -> list[Row]:
    return rows_until(tx, asked, asked.start)


def within(rows: Sequence[Row], asked: Asked) -> list[Row]:
    return [row for row in rows if asked.start is None or row["created"] >= asked.start]


def is_payout(row: Row) -> bool:
    return row["type"] in PAYOUTS


def main_unit(amount: int, currency: str) -> Decimal:
    return Decimal(amount).scaleb(-minor_digits(currency))


def item(row: Row, asked: Asked) -> tuple[Any, ...]:
    """Return a balance transaction as a row of an itemized report: amounts in main units, two clocks."""
    zone = ZoneInfo(asked.zone)

    def at(instant: datetime, where: Any) -> str:
        return instant.astimezone(where).strftime("%Y-%m-%d %H:%M:%S")

    amounts = [main_unit(row[name], row["currency"]) for name in AMOUNTS]
    times = [at(row[name], where) for name in ("created", "available_on") for where in (UTC, zone)]
    named = [
        row[name] for name in ("reporting_category", "source", "description", "customer", "payment_intent")
    ]
    return (row["id"], *times, row["currency"], *amounts, *named)


def itemized(rows: Sequence[Row], asked: Asked) -> Table:
    return Table(MOVED, [item(row, asked) for row in rows])


def itemized_by_payout(rows: Sequence[Row], asked: Asked) -> Table:
    found = [
        (row["payout"], row["arrival_date"].astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"), *item(row, asked))
        for row in rows
    ]
    return Table((*PAID_OUT, *MOVED), found)


def summed(rows: Sequence[Row], asked: Asked) -> Table:
    """Add up balance transactions by their reporting category and currency."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["currency"], row["reporting_category"]), []).append(row)
    return Table(
        SUMMED,
        [
            (category, currency, len(some), *(total(some, name, currency) for name in AMOUNTS))
            for (currency, category), some in sorted(groups.items())
        ],
    )


def total(rows: Sequence[Row], name: str, currency: str) -> Decimal:
    return main_unit(sum(row[name] for row in rows if row["currency"] == currency), currency)


def balance_summary(tx: Tx, asked: Asked) -> Table:
    """Return the balance at the start, what activity and payouts changed, and the balance at the end."""
    every, found = rows_until(tx, asked), []
    inside = within(every, asked)
    for currency in sorted({row["currency"] for row in every}):
        paid = [row for row in inside if is_payout(row)]
        moved = [row for row in inside if not is_payout(row)]
        end = total(every, "net", currency)
        start = end - total(inside, "net", currency)
        lines = [
            ("starting_balance", "Starting balance", start),
            ("activity_gross", "Balance change from activity: gross", total(moved, "amount", currency)),
            ("activity_fee", "Balance change from activity: fees", -total(moved, "fee", currency)),
            ("activity", "Net balance change from activity", total(moved, "net", currency)),
            ("payouts_gross", "Payouts: gross", total(paid, "amount", currency)),
            ("payouts_fee", "Payouts: fees", -total(paid, "fee", currency)),
            ("payouts", "Net payouts", total(paid, "net", currency)),
            ("ending_balance", "Ending balance", end),
        ]
        found += [(category, text, amount, currency) for category, text, amount in lines]
    return Table(("category", "description", "net_amount", "currency"), found)


def activity(show: Callable[[Sequence[Row], Asked], Table]) -> Callable[[Tx, Asked], Table]:
    def run(tx: Tx, asked: Asked) -> Table:
        return show([row for row in rows_within(tx, asked) if not is_payout(row)], asked)

    return run


def payouts(show: Callable[[Sequence[Row], Asked], Table]) -> Callable[[Tx, Asked], Table]:
    def run(tx: Tx, asked: Asked) -> Table:
        return show([row for row in rows_within(tx, asked) if is_payout(row)], asked)

    return run


def paid_out(show: Callable[[Sequence[Row], Asked], Table]) -> Callable[[Tx, Asked], Table]:
    """Return what payouts paid out: those that arrived within the interval, or the one that was asked for."""

    def run(tx: Tx, asked: Asked) -> Table:
        found = [row for row in rows_until(tx, asked) if row["payout"] and not is_payout(row)]
        if asked.payout is None:
            found = [
                row
                for row in found
                if row["arrival_date"] < asked.end
                and (asked.start is None or row["arrival_date"] >= asked.start)
            ]
        return show(found, asked)

    return run


def not_paid_out(show: Callable[[Sequence[Row], Asked], Table]) -> Callable[[Tx, Asked], Table]:
    """Return what makes the balance at an instant: what no payout had paid out by then.

    A payout is left out with what it paid out where both come to nothing. One that is still on its way, or
    that was ordered as an amount, has taken its amount from the balance and stays.
    """

    def run(tx: Tx, asked: Asked) -> Table:
        every = rows_until(tx, replace(asked, category=None))
        sums = Counter[tuple[str | None, str]]()
        for row in every:
            sums[row["payout"], row["currency"]] += row["net"] if row["payout"] else 0
        left = [row for row in every if row["payout"] is None or sums[row["payout"], row["currency"]]]
        return show([row for row in left if asked.category in (None, row["reporting_category"])], asked)

    return run


def of_billow(name: str) -> Callable[[Tx, Asked], Table]:
    def run(tx: Tx, asked: Asked) -> Table:
        wanted = {"from": asked.start, "to": asked.end, "at": asked.end}
        return answers.answer(tx, name, **{each: wanted[each] for each in reports.reports()[name].params})

    return run


FILTERS = ("currency", "reporting_category", "timezone")
MORE = (*FILTERS, "columns")
END, ONE = ("interval_end",), ("payout",)
BY_PAYOUT = (*PAID_OUT, *MOVED)
BALANCE = ("category", "description", "net_amount", "currency")
STRIPES = (
    Type("balance.summary.1", "Balance summary", INTERVAL, FILTERS[::2], BALANCE, balance_summary),
    Type("balance_change_from_activity.summary.1", "Balance change from activity: summary", INTERVAL, FILTERS,
        SUMMED, activity(summed)),
    Type("balance_change_from_activity.itemized.1", "Balance change from activity: itemized", INTERVAL, MORE,
        MOVED, activity(itemized)),
    Type("payouts.summary.1", "Payouts: summary", INTERVAL, FILTERS, SUMMED, payouts(summed)),
    Type("payouts.itemized.1", "Payouts: itemized", INTERVAL, MORE, MOVED, payouts(itemized)),
    Type("payout_reconciliation.summary.1", "Payout reconciliation: summary", INTERVAL, FILTERS, SUMMED,
        paid_out(summed)),
    Type("payout_reconciliation.itemized.1", "Payout reconciliation: itemized", INTERVAL, MORE, BY_PAYOUT,
        paid_out(itemized_by_payout)),
    Type("payout_reconciliation.by_id.summary.1", "Reconciliation of one payout: summary", ONE, (), SUMMED,
        paid_out(summed)),
    Type("payout_reconciliation.by_id.itemized.1", "Reconciliation of one payout: itemized", ONE, MORE[2:],
        BY_PAYOUT, paid_out(itemized_by_payout)),
    Type("ending_balance_reconciliation.summary.1", "Ending balance reconciliation: summary", END, FILTERS,
        SUMMED, not_paid_out(summed)),
    Type("ending_balance_reconciliation.itemized.1", "Ending balance reconciliation: itemized", END, MORE,
        MOVED, not_paid_out(itemized)),
)  # fmt: skip
"""The types of Stripe's that the balance answers."""


def _ours() -> list[Type]:
    found = []
    for name, report in reports.reports().items():
        required = INTERVAL if "from" in report.params else ("interval_end",)
        title = f"billow: {name.replace('_', ' ')}"
        found.append(Type(f"billow.{name}.1", title, required, (), (), of_billow(name)))
    return found


TYPES: dict[str, Type] = {one.id: one for one in (*STRIPES, *_ours())}
