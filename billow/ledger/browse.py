"""Read the ledger for people: what accounts hold, which postings made it, and one posting as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billow.ledger.balances import whole
from billow.ledger.chart import CHART, kind_of
from billow.store.tx import Tx

SUMMED_TOGETHER = ("customer", "account")
"""The kinds of accounts, by what there is one for, that are one in the sums by day."""
MOST_ACCOUNTS = 200
"""How many accounts of a kind are shown, the largest balances first."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What an account, or all of a kind, was debited and credited. `balance` is debit less credit."""

    account: str
    currency: str
    debit: int
    credit: int
    balance: int


@dataclass(frozen=True, slots=True)
class Moved:
    """One side of a transfer: an account was debited (above zero) or credited, and by what."""

    id: str
    created: datetime
    dated: datetime | None
    event: str
    source: str
    customer: str | None
    invoice: str | None
    other: str
    amount: int


@dataclass(frozen=True, slots=True)
class Line:
    """A transfer of a posting."""

    debit: str
    credit: str
    amount: int
    currency: str
    line: str | None


@dataclass(frozen=True, slots=True)
class Posted:
    """A posting: what happened to what, when it is booked, its transfers; `id` is that of the first one."""

    id: str
    created: datetime
    dated: datetime | None
    event: str
    source: str
    customer: str | None
    invoice: str | None
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which postings are asked for; None does not narrow. `before` is the id of a transfer."""

    kind: str | None = None
    documents: Sequence[str] | None = None
    """Ids of invoices and of other sources."""
    since: datetime | None = None
    until: datetime | None = None
    before: str | None = None


def by_kind(tx: Tx, at: datetime | None) -> list[Sums]:
    """Return the trial balance by kinds of accounts, in the order of the chart."""
    found = tx.all(
        "with moved as (select split_part(debit, ':', 1) as debit, split_part(credit, ':', 1) as credit,"
        " currency, sum(amount) as amount from ledger_moved('-infinity',"
        " coalesce(%(at)s::timestamptz + interval '1 microsecond', 'infinity')) group by 1, 2, 3)"
        " select account, currency, coalesce(sum(amount) filter (where amount > 0), 0) as debit,"
        " coalesce(-sum(amount) filter (where amount < 0), 0) as credit, sum(amount) as balance"
        " from (select debit as account, currency, amount from moved"
        " union all select credit, currency, -amount from moved) sides group by account, currency",
        at=at,
    )
    places = {kind: place for place, kind in enumerate(CHART)}
    sums = [Sums(**whole(row, "debit", "credit", "balance")) for row in found]
    return sorted(sums, key=lambda one: (one.currency, places[one.account]))


def of_kind(tx: Tx, kind: str, currency: str, at: datetime | None) -> list[Sums]:
    """Return the accounts of a kind, the largest balances first: what each customer owes, say."""
    found = tx.all(
        "select account, currency, debit, credit, debit - credit as balance"
        " from ledger_totals(coalesce(%(at)s::timestamptz, 'infinity'))"
        " where account ^@ %(prefix)s::text and currency = %(currency)s"
        " order by abs(debit - credit) desc, account limit %(most)s",
        prefix=f"{kind}:",
        currency=currency,
        at=at,
        most=MOST_ACCOUNTS,
    )
    return [Sums(**whole(row, "debit", "credit", "balance")) for row in found]


def total(tx: Tx, account: str, currency: str, upto: str) -> int:
    """Return debit less credit of an account, up to and including a transfer.

    The accounts of customers have few transfers, and are not summed up by day.
    """
    before = "ledger_moved('-infinity', (select created from last))"
    if kind_of(account).per in SUMMED_TOGETHER:
        before = (
            "(select debit, credit, currency, amount from ledger_transfers"
            " where (debit = %(account)s or credit = %(account)s) and created < (select created from last))"
        )
    [(found,)] = tx.tuples(
        "with last as (select created, id from ledger_transfers where id = %(upto)s), moved as ("
        f"select debit, credit, currency, amount from {before} earlier"
        " union all select debit, credit, currency, amount from ledger_transfers"
        " where created = (select created from last) and id <= (select id from last))"
        " select coalesce(sum(case when debit = %(account)s then amount else -amount end), 0) from moved"
        " where currency = %(currency)s and %(account)s in (debit, credit)",
        account=account,
        currency=currency,
        upto=upto,
    )
    return int(found)


def movements(tx: Tx, account: str, currency: str, asked: Asked, most: int) -> list[Moved]:
    """Return what moved on an account in a currency, the newest first."""
    side = (
        "(select id, created, dated, event, source, customer, invoice, {other} as other,"
        " {sign}amount as amount"
        " from ledger_transfers where {own} = %(account)s and currency = %(currency)s"
        " and (%(since)s::timestamptz is null or created >= %(since)s)"
        " and (%(until)s::timestamptz is null or created < %(until)s)"
        " and (%(before)s::text is null or (created, id) <"
        " (select t.created, t.id from ledger_transfers t where t.id = %(before)s))"
        " order by created desc, id desc limit %(most)s)"
    )
    sides = (
        side.format(own="debit", other="credit", sign=""),
        side.format(own="credit", other="debit", sign="-"),
    )
    found = tx.all(
        f"select * from ({' union all '.join(sides)}) sides order by created desc, id desc limit %(most)s",
        account=account,
        currency=currency,
        since=asked.since,
        until=asked.until,
        before=asked.before,
        most=most,
    )
    return [Moved(**row) for row in found]


FIRST = "id, created, dated, event, source, customer, invoice"
"""What the first transfer of a posting says of all of it."""


def journal(tx: Tx, asked: Asked, most: int) -> list[Posted]:
    """Return postings, the newest first."""
    documents = None if asked.documents is None else list(asked.documents)
    found = tx.all(
        f"select {FIRST} from ledger_transfers p where sequence = 0"
        " and (%(since)s::timestamptz is null or created >= %(since)s)"
        " and (%(until)s::timestamptz is null or created < %(until)s)"
        " and (%(documents)s::text[] is null or invoice = any(%(documents)s)"
        " or split_part(source, '@', 1) = any(%(documents)s))"
        " and (%(kind)s::text is null or exists (select from ledger_transfers t"
        " where t.source = p.source and t.event = p.event"
        " and %(kind)s in (split_part(t.debit, ':', 1), split_part(t.credit, ':', 1))))"
        " and (%(before)s::text is null or (created, id) <"
        " (select t.created, t.id from ledger_transfers t where t.id = %(before)s))"
        " order by created desc, id desc limit %(most)s",
        since=asked.since,
        until=asked.until,
        documents=documents,
        kind=asked.kind,
        before=asked.before,
        most=most,
    )
    return with_lines(tx, found)


def posting_of(tx: Tx, id: str) -> Posted | None:
    """Return the posting that a transfer is of; None where there is no such transfer."""
    found = tx.all(
        f"select {FIRST} from ledger_transfers where sequence = 0 and (source, event) ="
        " (select t.source, t.event from ledger_transfers t where t.id = %(id)s)",
        id=id,
    )
    return next(iter(with_lines(tx, found)), None)


def with_lines(tx: Tx, found: Sequence[dict[str, Any]]) -> list[Posted]:
    """Load the transfers of postings."""
    lines: dict[tuple[str, str], list[Line]] = {}
    for row in tx.all(
        "select t.source, t.event, t.debit, t.credit, t.amount, t.currency, t.line from ledger_transfers t"
        " join unnest(%(sources)s::text[], %(events)s::text[]) as wanted (source, event)"
        " on t.source = wanted.source and t.event = wanted.event order by t.source, t.event, t.sequence",
        sources=[one["source"] for one in found],
        events=[one["event"] for one in found],
    ):
        key = (row.pop("source"), row.pop("event"))
        lines.setdefault(key, []).append(Line(**row))
    return [Posted(**one, lines=lines[one["source"], one["event"]]) for one in found]


def counter_entries(tx: Tx, posted: Posted) -> list[Posted]:
    """Return the postings of the same source, which may take one another back, oldest first."""
    found = tx.all(
        f"select {FIRST} from ledger_transfers where sequence = 0 and source = %(source)s"
        " and event <> %(event)s order by created, id limit 20",
        source=posted.source,
        event=posted.event,
    )
    return with_lines(tx, found)
