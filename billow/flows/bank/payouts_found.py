"""Find the payouts of gateways among the entries of bank statements, so that their money is booked once.

An entry that the bank takes back, or that somebody says is none, leaves its payout on its way again.
"""

from datetime import date, timedelta

from billow.api import rows
from billow.core.bank.payouts import Sent, found_in
from billow.flows.bank import apply
from billow.flows.payments import settle_payout
from billow.ledger import entries, post
from billow.resources.bank_entry import BankEntry
from billow.resources.payout import Payout
from billow.store.tx import Tx

RULE = "payout"
NEAR = timedelta(days=10)
"""How far from the expected day of its arrival a payout may be on a statement."""


def paid_by(tx: Tx, entry: BankEntry) -> Payout | None:
    """Find and lock the one payout that an entry, which came in, says that it is."""
    booked = date.fromisoformat(entry.booked_on)
    candidates = rows.select(
        tx,
        Payout,
        "currency = %(currency)s and amount = %(amount)s and bank_entry is null"
        " and status in ('in_transit', 'paid', 'pending') and arrival_date between %(first)s and %(last)s",
        "order by id for update",
        currency=entry.currency,
        amount=entry.amount,
        first=booked - NEAR,
        last=booked + NEAR,
    )
    said = " ".join(filter(None, (entry.name, entry.end_to_end, entry.structured, entry.text)))
    sent = [
        Sent(one.id, one.gateway, one.reference, one.statement_descriptor, one.arrival_date.date())
        for one in candidates
    ]
    id = found_in(sent, said, booked)
    return next((one for one in candidates if one.id == id), None)


def settle_entry(tx: Tx, entry: BankEntry, payout: Payout) -> BankEntry:
    """Book an entry, which is locked, as a payout that has arrived. Emits `payout.paid` unless it was."""
    received = apply.receive(tx, entry)
    arrived = payout.status == "paid"
    moved = entries.payout_found(entry.currency, entry.amount, arrived)
    post.post(tx, [post.Posting("payout.found", entry.id, tx.now, moved)])
    found = rows.update(tx, payout, event=None, bank_entry=entry.id, sent_back=False)
    settle_payout.move_on(tx, found, "paid")
    return rows.update(tx, received, event=None, rule=RULE, state="applied", unapplied=0)


def take_back(tx: Tx, entry: BankEntry) -> None:
    """Book that an entry, which is locked, is no payout any more: it is on its way again.

    Whether its gateway still says that it is paid does not count until a statement shows it again, or the
    gateway says that it has failed. If it has said so before, the money is off the bank already. Emits
    `payout.updated`.
    """
    for payout in rows.select(tx, Payout, "bank_entry = %(entry)s", "for update", entry=entry.id):
        if payout.status in settle_payout.RETURNED:
            gone = entries.payout_found(entry.currency, -entry.amount, True)
            post.post(tx, [post.Posting("payout.found.undone", entry.id, tx.now, gone)])
            rows.update(tx, payout, event=None, bank_entry=None)
            continue
        arrived = was_told(tx, payout)
        back = entries.payout_found(entry.currency, -entry.amount, arrived)
        post.post(tx, [post.Posting("payout.found.undone", entry.id, tx.now, back)])
        if arrived:
            again = entries.payout_arrived(payout.currency, -payout.amount)
            settle_payout.book(tx, payout, "payout.sent_back", again)
        rows.update(tx, payout, bank_entry=None, sent_back=True, status="in_transit")


def was_told(tx: Tx, payout: Payout) -> bool:
    """Check whether a payout is on the bank because the gateway had said so before a statement showed it."""
    found = tx.tuples(
        "select event from ledger_transfers where source = %(id)s"
        " and event in ('payout.paid', 'payout.sent_back')",
        id=payout.id,
    )
    return found == [("payout.paid",)]
