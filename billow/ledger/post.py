"""Write transfers to the ledger. This is their only writer; no transfer is ever changed or removed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billow.core.errors import ensure
from billow.ledger import chain, periods
from billow.ledger.chart import account_of
from billow.ledger.entries import Transfer
from billow.store import bulk
from billow.store.ids import new_id
from billow.store.tx import Tx

COLUMNS = (
    "id", "created", "debit", "credit", "amount", "currency", "event", "source", "sequence", "customer",
    "invoice", "line", "dated",
)  # fmt: skip
NAMES = ", ".join(COLUMNS)


@dataclass(frozen=True, slots=True)
class Posting:
    """The transfers of one event of one source. They are posted once: posting them again raises.

    An event that happens more than once has a source for each time, such as `il_1@1740000000` for a line that
    is earned month by month. `lines` names the line of each transfer if the transfers themselves do not.
    """

    event: str
    source: str
    at: datetime
    transfers: Sequence[Transfer]
    customer: str | None = None
    invoice: str | None = None
    lines: Sequence[str | None] | None = None

    def __post_init__(self) -> None:
        matching = self.lines is None or len(self.lines) == len(self.transfers)
        ensure(matching, "A posting names a line, or None, for each transfer.")


def post(tx: Tx, postings: Sequence[Posting]) -> None:
    """Write postings and the leaves for their seal with one statement; none if one was posted before.

    What comes after its period was closed is booked when the open period begins, and keeps its date.
    """
    booked = [(posting, periods.booked_at(tx, posting.at)) for posting in postings if posting.transfers]
    transfers = [row for posting, at in booked for row in _rows(posting, at)]
    if transfers:
        tx.run(
            f"with posted as (insert into ledger_transfers ({NAMES}) select {NAMES}"
            " from json_populate_recordset(null::ledger_transfers, %(records)s))"
            " insert into ledger_unsealed (transfer, leaf)"
            " select transfer, leaf from unnest(%(ids)b::text[], %(leaves)b::bytea[]) as t (transfer, leaf)",
            records=bulk.encode(transfers),
            ids=[one["id"] for one in transfers],
            leaves=[chain.leaf(one) for one in transfers],
        )
        chain.plan_seal(tx, transfers[0]["id"])


def _rows(posting: Posting, booked: datetime) -> Iterator[dict[str, Any]]:
    lines = posting.lines or [transfer.line for transfer in posting.transfers]
    for sequence, (transfer, line) in enumerate(zip(posting.transfers, lines, strict=True)):
        yield {
            "id": new_id("ltr_"),
            "created": booked,
            "debit": transfer.debit.key,
            "credit": transfer.credit.key,
            "amount": transfer.amount,
            "currency": transfer.debit.currency,
            "event": posting.event,
            "source": posting.source,
            "sequence": sequence,
            "customer": posting.customer,
            "invoice": posting.invoice,
            "line": line,
            "dated": posting.at if booked != posting.at else None,
        }


def transfers_of(tx: Tx, invoice: str) -> list[Transfer]:
    """Return all transfers of an invoice, in order, as `invoice_voided` reverses them."""
    found = tx.all(
        "select debit, credit, amount, currency, line from ledger_transfers where invoice = %(invoice)s"
        " order by created, source, event, sequence",
        invoice=invoice,
    )
    return [
        Transfer(
            account_of(row["debit"], row["currency"]),
            account_of(row["credit"], row["currency"]),
            row["amount"],
            row["line"],
        )
        for row in found
    ]
