"""Write due direct debits into files for the bank, and settle them by what its statements and reports say."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby

from billow.api import rows
from billow.core.bank import direct_debit, matching
from billow.core.bank.direct_debit import Batch, Collection, Creditor
from billow.core.bank.sepa_text import remittance
from billow.core.errors import Refused, require
from billow.core.payments import Succeeded
from billow.flows.bank import apply, returned_debits
from billow.flows.outside.outside import gateway_named
from billow.flows.outside.seller import day_of, seller_of
from billow.flows.payments import debit_mandates, settle
from billow.ledger import entries, post
from billow.providers.bank import pain002, pain008
from billow.providers.gateways import sepa_debit
from billow.resources.attempt import Attempt
from billow.resources.bank_entry import BankEntry
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_method import PaymentMethod
from billow.resources.sepa_batch import SepaBatch
from billow.resources.sepa_collection import SepaCollection
from billow.store.ids import new_id
from billow.store.tx import Tx

RULE = "direct_debit"
AHEAD = 2
"""How many bank days before the last moment a debit is written into a file."""


def creditor_of(tx: Tx) -> Creditor:
    """Return the seller as the bank knows the one who debits; refuse where the settings do not say it."""
    account = seller_of(tx).account
    if account is None or not account.iban or not account.creditor_id:
        raise Refused("Direct debits need BILLOW_SELLER_IBAN and BILLOW_SEPA_CREDITOR_ID.")
    return Creditor(account.holder, account.iban, account.bic, account.creditor_id, account.notice_days)


def export(tx: Tx, today: date, ahead: int = AHEAD) -> SepaBatch | None:
    """Write the debits that are due into a new file; None if there are none.

    Each is in one file only. The file is stored, and can be fetched again as it is. Locks the attempts.
    """
    creditor = creditor_of(tx)
    waiting = rows.select(
        tx,
        Attempt,
        "kind = 'charge' and state = 'processing' and token ^@ 'sepa_' and currency = 'eur'"
        " and not exists (select from sepa_collections c where c.attempt = attempts.id)",
        "order by created, id for update",
    )
    notice = creditor.notice_days
    due = [one for one in waiting if direct_debit.is_due(day_of(tx, one.created), notice, today, ahead)]
    if not due:
        return None
    id = new_id(SepaBatch.prefix)
    batches = batches_of(tx, id, creditor, today, due)
    total = sum(batch.total for batch in batches)
    content = pain008.write(f"{id}".replace("_", "-"), tx.now, creditor, batches).decode()
    made = rows.insert(tx, SepaBatch(id=id, amount=total, content=content, count=len(due)))
    rows.insert_many(
        tx,
        [
            SepaCollection(
                amount=one.amount,
                attempt=one.id,
                batch=id,
                booked_as=batch.id,
                collect_on=batch.collect_on.isoformat(),
                end_to_end=one.end_to_end,
                mandate=one.mandate,
                sequence=batch.sequence,
            )
            for batch in batches
            for one in batch.collections
        ],
    )
    return made


def batches_of(tx: Tx, id: str, creditor: Creditor, today: date, due: Sequence[Attempt]) -> list[Batch]:
    """Group debits by day and sequence; of several under one new mandate only the first is FRST."""
    methods = rows.find_many(tx, PaymentMethod, [one.payment_method or "" for one in due])
    customers = rows.find_many(tx, Customer, [one.customer or "" for one in due])
    invoices = rows.find_many(tx, Invoice, [one.invoice or "" for one in due])
    signed = {one.id: debit_mandates.signed(tx, one, methods.get(one.payment_method or "")) for one in due}
    purposes = purposes_of(tx, due)
    known = collected_mandates(tx, [one.reference for one in signed.values()])
    found: list[tuple[date, str, Collection]] = []
    for one in due:
        mandate, method = signed[one.id], methods.get(one.payment_method or "")
        customer, invoice = customers.get(one.customer or ""), invoices.get(one.invoice or "")
        day = direct_debit.collect_on(day_of(tx, one.created), creditor.notice_days, today)
        name = (method.billing_details.get("name") if method else None) or (
            customer.name if customer else None
        )
        collection = Collection(
            one.id,
            one.amount,
            mandate.reference,
            mandate.signed_on,
            sepa_debit.iban_of(one.token),
            name or "",
            remittance(
                (invoice.number if invoice else None) or purposes.get(one.id) or one.id, creditor.name
            ),
        )
        found.append((day, direct_debit.sequence(mandate.reference in known), collection))
        known.add(mandate.reference)
    grouped = groupby(sorted(found, key=lambda each: each[:2]), key=lambda each: each[:2])
    return [
        Batch(f"{id}-{place}".replace("_", "-"), day, sequence, tuple(each[2] for each in own))
        for place, ((day, sequence), own) in enumerate(grouped, 1)
    ]


def purposes_of(tx: Tx, due: Sequence[Attempt]) -> dict[str, str]:
    """Return what the payer reads of each payment without an invoice: its description, or its descriptor."""
    intents = rows.find_many(tx, PaymentIntent, [one.payment_intent or "" for one in due])
    found = {one.id: intents.get(one.payment_intent or "") for one in due}
    texts = {id: one.description or one.statement_descriptor for id, one in found.items() if one}
    return {id: text for id, text in texts.items() if text}


def collected_mandates(tx: Tx, mandates: Sequence[str]) -> set[str]:
    """Return the mandates under which the bank has taken a debit before."""
    found = tx.tuples(
        "select distinct mandate from sepa_collections where mandate = any(%(mandates)s)"
        " and state <> 'rejected'",
        mandates=list(mandates),
    )
    return {mandate for (mandate,) in found}


# ------------------------------------------------------------------------------------- what banks say


def settled_by(tx: Tx, entry: BankEntry) -> list[SepaCollection]:
    """Return the debits that an entry is about: the one that it names, or a whole sum of a file."""
    named = matching.our_id(entry.end_to_end)
    if named:
        return rows.select(tx, SepaCollection, "end_to_end = %(id)s", id=named)
    if entry.batch is None:
        return []
    return rows.select(tx, SepaCollection, "booked_as = %(id)s", "order by id", id=entry.batch)


def settle_entry(tx: Tx, entry: BankEntry, found: Sequence[SepaCollection]) -> BankEntry:
    """Settle the debits that an entry, which is locked, brings in; queue an entry of another amount.

    A sum holds also what the bank returned meanwhile, which is an entry of its own.
    """
    received = apply.receive(tx, entry)
    total = sum(one.amount for one in found)
    if total != entry.amount:
        reason = f"the direct debits that it names come to {total} cents"
        return rows.update(tx, received, event=None, reason=reason)
    if why := contradiction(entry, found):
        return rows.update(tx, received, event=None, reason=why)
    clear(tx, received, found[0])
    for one in rows.lock_many(tx, SepaCollection, [one.id for one in found]):
        if one.state == "exported":
            attempt = rows.lock(tx, Attempt, one.attempt)
            settle.settle(tx, attempt, Succeeded(entry.bank_reference or entry.id, 0))
            rows.update(tx, one, event=None, state="settled")
    return rows.update(tx, received, event=None, rule=RULE, state="applied", unapplied=0)


def contradiction(entry: BankEntry, found: Sequence[SepaCollection]) -> str | None:
    """Return why money of a debit that an entry names cannot be its payment: it was rejected, or paid before.

    A sum is not asked: it is booked whole, whatever became of its debits meanwhile.
    """
    if matching.our_id(entry.end_to_end) and found[0].state in ("rejected", "settled"):
        return f"the direct debit {found[0].end_to_end}, which is {found[0].state} already"
    return None


def return_entry(tx: Tx, entry: BankEntry, collection: SepaCollection) -> BankEntry:
    """Take back a debit that the payer's bank returned, with the reason; queue an entry of another amount."""
    received = apply.receive(tx, entry)
    if collection.amount != -entry.amount or collection.state == "returned":
        known = "returned already" if collection.state == "returned" else f"{collection.amount} cents"
        reason = f"a return of {collection.end_to_end}, which is {known}"
        return rows.update(tx, received, event=None, reason=reason)
    clear(tx, received, collection)
    fail(tx, collection, entry.return_reason, "returned")
    return rows.update(tx, received, event=None, rule=RULE, state="applied", unapplied=0)


def clear(tx: Tx, entry: BankEntry, of: SepaCollection) -> None:
    """Post that money which reached the bank, or left it, is that of the gateway that debits."""
    [attempt] = rows.find_all(tx, Attempt, [of.attempt]).values()
    name = gateway_named(tx, attempt.gateway).name
    moved = entries.cash_settled(name, entry.currency, entry.amount)
    post.post(tx, [post.Posting("bank.settled", entry.id, tx.now, moved)])


def fail(tx: Tx, collection: SepaCollection, reason: str | None, state: str) -> None:
    """Fail a debit once: the attempt that waits for it, or the payment that it was settled as."""
    [locked] = rows.lock_many(tx, SepaCollection, [collection.id])
    if locked.state in ("returned", "rejected"):
        return
    attempt, outcome = rows.lock(tx, Attempt, locked.attempt), direct_debit.decline_of(reason)
    if attempt.state == "processing":
        settle.settle(tx, attempt, outcome)
    else:
        returned_debits.take_back(tx, attempt, outcome)
    rows.update(tx, locked, event=None, reason=reason, state=state)


def reject(tx: Tx, rejected: Sequence[pain002.Rejected]) -> list[str]:
    """Fail the debits that a bank's report rejects; return those that are not ours."""
    ids = {matching.our_id(one.end_to_end) or "": one for one in rejected}
    found = rows.select(tx, SepaCollection, "end_to_end = any(%(ids)s)", "order by id", ids=list(ids))
    for one in found:
        fail(tx, one, ids[one.end_to_end].reason, "rejected")
    return sorted(ids.keys() - {one.end_to_end for one in found})


def listed(tx: Tx) -> list[tuple[SepaBatch, list[SepaCollection]]]:
    """List the latest files with their debits, the newest first."""
    found = rows.select(tx, SepaBatch, "true", "order by created desc, id desc limit 100")
    debits = rows.select(tx, SepaCollection, "batch = any(%(ids)s)", ids=[one.id for one in found])
    return [(file, [one for one in debits if one.batch == file.id]) for file in found]


def file_of(tx: Tx, id: str) -> bytes:
    """Return a file as it was written, whatever has happened since."""
    require(id.startswith(SepaBatch.prefix), f"{id} is no file of direct debits (sbt_…).")
    return rows.find(tx, SepaBatch, id).content.encode()
