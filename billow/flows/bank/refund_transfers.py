"""Book the transfers of refunds of cash balances as bank statements show them, in whichever order they come.

A statement is right about money, whatever was said before: a refund that had failed has succeeded if its
transfer has left after all, and one that was sent has failed once it is back.
"""

import re
from dataclasses import dataclass

from billow.api import rows
from billow.core.bank.matching import our_id
from billow.flows.bank import apply, cash_balance, cash_refunds
from billow.ledger import entries, post
from billow.resources.bank_application import BankApplication
from billow.resources.bank_entry import BankEntry
from billow.resources.customer import Customer
from billow.resources.refund import Refund
from billow.store import clocks, jobs
from billow.store.tx import Tx

RULE = "refund"
"""How an entry of a statement was found that is the transfer of a refund."""
NAMED = re.compile(r"\bre[_-][A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Left:
    """What has left the bank for a refund and is not back: by its statements, and in the books."""

    stated: int
    booked: int


def left_for(tx: Tx, refund: Refund) -> Left:
    """Sum up what has left for a refund. Somebody may have said so by hand, before its statement does."""
    [(stated,)] = tx.tuples(
        "select coalesce(-sum(amount), 0)::bigint from bank_entries where refund = %(id)s", id=refund.id
    )
    return Left(stated, -debited(tx, refund.id, "bank"))


def debited(tx: Tx, source: str, account: str) -> int:
    """Return what the postings of a source have debited to an account, less what they have credited."""
    [(amount,)] = tx.tuples(
        "select coalesce(sum(case when debit = %(account)s then amount else -amount end), 0)::bigint"
        " from ledger_transfers where source ^@ %(source)s and %(account)s in (debit, credit)",
        source=source,
        account=account,
    )
    return int(amount)


def named_by(tx: Tx, entry: BankEntry) -> Refund | None:
    """Find and lock the refund of a cash balance that an entry names, which left for it or came back."""
    said = [our_id(entry.end_to_end) or "", *NAMED.findall(f"{entry.structured or ''} {entry.text or ''}")]
    found = rows.select(
        tx,
        Refund,
        "id = any(%(ids)s) and charge is null and payment_intent is null and currency = %(currency)s"
        " and amount = %(amount)s",
        "order by id",
        ids=[one.replace("-", "_") for one in said],
        currency=entry.currency,
        amount=abs(entry.amount),
    )
    return locked(tx, found[0]) if len(found) == 1 else None


def of_entry(tx: Tx, entry: BankEntry) -> Refund | None:
    """Find and lock the refund whose transfer an entry was, or which it brought back."""
    return locked(tx, rows.find(tx, Refund, entry.refund)) if entry.refund else None


def locked(tx: Tx, refund: Refund) -> Refund:
    rows.lock_many(tx, Customer, [refund.customer or ""])
    return rows.lock(tx, Refund, refund.id)


def settle_entry(tx: Tx, entry: BankEntry, refund: Refund) -> BankEntry:
    """Book an entry that names a refund, which is locked: its transfer has left, or has come back.

    What comes back of a refund that is not out is money of which nobody knows what it is: it is queued.
    """
    left = left_for(tx, refund)
    if entry.amount > 0 and max(left.stated, left.booked) <= 0:
        received = apply.receive(tx, entry)
        return rows.update(tx, received, event=None, reason="a refund that is not out, or is back already")
    settled = rows.update(tx, entry, event=None, refund=refund.id, rule=RULE, state="outgoing")
    tx = clocks.of_customer(tx, refund.customer or "")
    if entry.amount > 0:
        if left.booked > 0:
            come_back(tx, refund, still_out=left.booked > refund.amount)
    elif left.stated + refund.amount > left.booked:
        leave(tx, settled, refund)
    elif refund.bank_entry is None and refund.status == "succeeded":
        rows.update(tx, refund, bank_entry=entry.id, reference=entry.bank_reference)
    return settled


def leave(tx: Tx, entry: BankEntry, refund: Refund) -> None:
    """Book that the transfer of a refund has left, which nobody has said before. Emits `refund.updated`.

    Whoever made it knew the account, also where the customer has not named one. The cash of a refund that
    had ended was the customer's again: what is left of it is taken. The rest is lost; so is a second one.
    """
    if refund.status == "succeeded":
        cash_refunds.post_moved(
            tx, refund, "refund.sent", entries.refund_sent_from_bank(refund.currency, refund.amount)
        )
        lose(tx, refund, refund.amount)
        return
    if refund.status in ("canceled", "failed"):
        lose(tx, refund, refund.amount - take_again(tx, refund))
    jobs.cancel(tx, "refund.expire", refund.id)
    jobs.cancel(tx, "refund.pretend", refund.id)
    cash_refunds.send(tx, refund, entry)


def take_again(tx: Tx, refund: Refund) -> int:
    """Take the cash of a refund out of its customer's balance again; return how much there was."""
    left = refund.amount
    for entry in cash_balance.spendable(tx, refund.customer or "", refund.currency):
        if part := min(entry.unapplied, left):
            cash_refunds.take(tx, entry, refund, part)
            left -= part
    return refund.amount - left


def come_back(tx: Tx, refund: Refund, *, still_out: bool) -> None:
    """Book that the transfer of a refund came back: the cash is the customer's again, and no loss is left.

    Of two transfers the second was a loss, and the refund stays sent. Emits `refund.updated` and
    `refund.failed`.
    """
    back = entries.refund_sent_from_bank(refund.currency, -refund.amount)
    cash_refunds.post_moved(tx, refund, "refund.returned", back)
    if still_out:
        lose(tx, refund, -refund.amount)
        return
    recover(tx, refund)
    cash_refunds.give_back(tx, refund, ("updated", "failed"), status="failed", failure_reason="unknown")


def lose(tx: Tx, refund: Refund, amount: int) -> None:
    """Lose money that was sent and that no cash of the customer pays; a negative amount has come back."""
    event = "refund.overdrawn" if amount > 0 else "refund.recovered"
    if amount:
        cash_refunds.post_moved(tx, refund, event, entries.refund_overdrawn(refund.currency, amount))


def recover(tx: Tx, refund: Refund) -> None:
    """Take back what was lost of a refund: by itself, and by payments that the bank had taken back."""
    lose(tx, refund, -debited(tx, refund.id, "bad_debt"))
    undone = "refund = %(id)s and undone_at is not null"
    for one in rows.select(tx, BankApplication, undone, "order by id", id=refund.id):
        if debited(tx, one.id, "bad_debt") <= 0:
            continue
        posted = {
            "bank.overdrawn.undone": entries.cash_overdrawn(refund.currency, -one.amount),
            "bank.returned.undone": entries.cash_returned(refund.currency, -one.amount),
        }
        about = (one.id, tx.now)
        post.post(
            tx, [post.Posting(event, *about, moved, refund.customer) for event, moved in posted.items()]
        )
