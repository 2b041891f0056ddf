"""Simulate disputes and fraud warnings: test cards raise them, and words in the evidence decide them."""

import json
import sqlite3
from collections.abc import Sequence

from billow.core.disputes import AWAITING, CLOSED, Dispute, Evidence, Movement
from billow.core.errors import Refused
from billow.core.notices import DisputeChanged, FraudSuspected, Notice

FEE = 1500
"""What the gateway charges for a dispute, in minor units, won or lost."""
SCHEMA = """
create table if not exists disputes (
    reference text primary key,
    charge    text    not null,
    amount    integer not null,
    currency  text    not null,
    reason    text    not null,
    status    text    not null,
    evidence  text    not null default '{}',
    movements text    not null default '[]'
) without rowid;
create table if not exists fraud_warnings (
    reference  text primary key,
    charge     text not null,
    fraud_type text not null
) without rowid;
"""
REASON_CODES = {"fraudulent": "10.4", "product_not_received": "13.1"}
"""The code of Visa's network for each reason."""
COLUMNS = "reference, charge, amount, currency, reason, status, evidence, movements"


def begin(memory: sqlite3.Connection, charge: str, amount: int, currency: str, afterwards: str) -> None:
    """Raise what a test card raises after a charge: a dispute, an inquiry or a fraud warning."""
    kind, _, reason = afterwards.partition(":")
    if kind == "early_fraud_warning":
        memory.execute(
            "insert or ignore into fraud_warnings values (?, ?, ?)",
            (f"issfr_sim_{charge}", charge, "made_with_stolen_card"),
        )
        return
    reference = f"dp_sim_{charge}"
    status = "warning_needs_response" if kind == "inquiry" else "needs_response"
    memory.execute(
        f"insert or ignore into disputes ({COLUMNS}) values (?, ?, ?, ?, ?, ?, '{{}}', '[]')",
        (reference, charge, amount, currency, reason, status),
    )
    if kind == "dispute":
        move(memory, reference, -amount, FEE)


def move(memory: sqlite3.Connection, reference: str, amount: int, fee: int) -> None:
    """Take the disputed amount from the balance, or return it; once each."""
    (written,) = memory.execute("select movements from disputes where reference = ?", (reference,)).fetchone()
    movements = json.loads(written)
    movements.append([f"txn_sim_{reference}_{len(movements)}", amount, fee])
    memory.execute(
        "update disputes set movements = ? where reference = ?", (json.dumps(movements), reference)
    )


def find(memory: sqlite3.Connection, reference: str) -> Dispute | None:
    found = memory.execute(f"select {COLUMNS} from disputes where reference = ?", (reference,)).fetchone()
    return dispute_of(found) if found else None


def dispute_of(row: tuple[str, str, int, str, str, str, str, str]) -> Dispute:
    reference, charge, amount, currency, reason, status, _, movements = row
    moved = tuple(Movement(*each) for each in json.loads(movements))
    return Dispute(reference, charge, amount, currency, reason, status, REASON_CODES.get(reason), moved)


def needed(memory: sqlite3.Connection, reference: str) -> Dispute:
    found = find(memory, reference)
    if found is None:
        raise Refused(f"No such dispute: '{reference}'", code="resource_missing", status=404)
    return found


def contest(memory: sqlite3.Connection, evidence: Evidence) -> Dispute:
    """Keep evidence; when it is submitted, its words decide: `winning_evidence` and `losing_evidence`.

    `escalate_inquiry_evidence` turns an inquiry into a dispute. Other evidence stays under review.
    """
    found = needed(memory, evidence.dispute)
    if found.status not in AWAITING:
        return found
    memory.execute(
        "update disputes set evidence = ? where reference = ?",
        (json.dumps(dict(evidence.texts), sort_keys=True), found.reference),
    )
    if not evidence.submit:
        return found
    said = " ".join(text for _, text in evidence.texts)
    inquiry = found.status == "warning_needs_response"
    if inquiry and "escalate_inquiry_evidence" in said:
        return decide(memory, found, "needs_response")
    if "winning_evidence" in said:
        return decide(memory, found, "warning_closed" if inquiry else "won")
    if "losing_evidence" in said:
        return decide(memory, found, "needs_response" if inquiry else "lost")
    return decide(memory, found, "warning_under_review" if inquiry else "under_review")


def concede(memory: sqlite3.Connection, reference: str) -> Dispute:
    """Close a dispute as lost, or an inquiry without a dispute."""
    found = needed(memory, reference)
    if found.status in CLOSED:
        return found
    return decide(memory, found, "warning_closed" if found.status.startswith("warning") else "lost")


def end_inquiry(memory: sqlite3.Connection, charge: str, refunded: int) -> bool:
    """Close the inquiry about a charge whose whole amount is refunded, so that it cannot become a dispute."""
    closed = memory.execute(
        "update disputes set status = 'warning_closed' where charge = ? and amount <= ?"
        " and status in ('warning_needs_response', 'warning_under_review')",
        (charge, refunded),
    )
    return closed.rowcount > 0


def decide(memory: sqlite3.Connection, found: Dispute, status: str) -> Dispute:
    """Store the new status, with the money that it moves; repeating it moves nothing more."""
    memory.execute("update disputes set status = ? where reference = ?", (status, found.reference))
    if status == "needs_response" and not found.movements:
        move(memory, found.reference, -found.amount, FEE)
    if status == "won":
        move(memory, found.reference, found.amount, 0)
    return needed(memory, found.reference)


def reported(memory: sqlite3.Connection, charge: str) -> Sequence[Notice]:
    """Return the notices of disputes and fraud warnings of a charge."""
    disputes = memory.execute("select reference from disputes where charge = ?", (charge,)).fetchall()
    warnings = memory.execute(
        "select reference, fraud_type from fraud_warnings where charge = ?", (charge,)
    ).fetchall()
    return [
        *(DisputeChanged(reference, charge) for (reference,) in disputes),
        *(FraudSuspected(reference, charge, kind) for reference, kind in warnings),
    ]


def moved(memory: sqlite3.Connection) -> list[tuple[str, int, int]]:
    """Return the currency, amount and fee of each movement of a dispute."""
    rows = memory.execute("select currency, movements from disputes").fetchall()
    return [(currency, amount, fee) for currency, written in rows for _, amount, fee in json.loads(written)]
