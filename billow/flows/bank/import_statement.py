"""Import bank statements: store what is new, and apply it; set a file aside that cannot be booked."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from billow.api import rows
from billow.core.bank import statement as core
from billow.core.bank.statement import BadStatement, Entry, Statement
from billow.flows.bank import process
from billow.providers.bank import camt053
from billow.resources.bank_entry import BankEntry
from billow.resources.bank_statement import BankStatement
from billow.store.tx import Database, Tx


@dataclass(slots=True)
class Imported:
    """What an import has done; `set_aside` is the reason why nothing of the file was booked."""

    statements: int = 0
    entries: int = 0
    repeated: int = 0
    """Entries that were imported before, and are ignored."""
    applied: int = 0
    queued: int = 0
    outgoing: int = 0
    set_aside: str | None = None


def import_statement(db: Database, tenant: str, file: str, data: bytes) -> Imported:
    """Import a file of statements, whole or not at all, and apply its entries one by one.

    The same file twice changes nothing. Entries that an earlier import stored and did not come to are applied
    as well.
    """
    db.disk.require_space()
    digest = hashlib.sha256(data).hexdigest()
    try:
        found = camt053.read(data)
        for one in found:
            core.check(one)
        with db.transaction(tenant) as tx:
            done = record(tx, file, digest, found)
    except BadStatement as error:
        with db.transaction(tenant) as tx:
            set_aside(tx, file, digest, str(error))
        return Imported(set_aside=str(error))
    for state in process.process_new(db, tenant):
        done.applied += state in ("applied", "reversed")
        done.queued += state == "queued"
        done.outgoing += state == "outgoing"
    return done


def record(tx: Tx, file: str, digest: str, found: Sequence[Statement]) -> Imported:
    """Store the statements of a file and the entries that are new, in the order of the file.

    One import of a tenant at a time stores entries. Raises `BadStatement` where the bank's reference of a
    known entry now names another payment.
    """
    tx.run("select pg_advisory_xact_lock(hashtextextended(%(key)s, 0))", key=f"bank {tx.tenant}")
    done = Imported(statements=len(found))
    for one in found:
        check_closing(tx, one)
        new = unknown(tx, one)
        done.repeated += len(one.entries) - len(new)
        done.entries += len(new)
        if not new and known_statement(tx, digest):
            continue
        made = rows.insert(tx, statement_row(one, file, digest))
        rows.insert_many(tx, [entry_row(entry, made, name) for name, entry in new])
    return done


def check_closing(tx: Tx, statement: Statement) -> None:
    """Refuse a statement that was imported before with another end: one of the two is not the bank's.

    Pages of one statement have its id too: each begins where another ends.
    """
    known = rows.select(
        tx,
        BankStatement,
        "account = %(account)s and name = %(name)s and state = 'imported'"
        " and closed_on is not distinct from %(closed_on)s",
        "order by created, id",
        account=statement.account,
        name=statement.id,
        closed_on=statement.closed_on.isoformat() if statement.closed_on else None,
    )
    fits = (
        one.closing == statement.closing
        or statement.opening == one.closing
        or statement.closing == one.opening
        for one in known
    )
    if known and not any(fits):
        raise BadStatement(
            f"Statement {statement.id} of {statement.account} was imported before, from {known[0].file}, with"
            f" the closing balance {known[0].closing}, and here it has {statement.closing} (in minor units):"
            " ask the bank which of them is right."
        )


def unknown(tx: Tx, statement: Statement) -> list[tuple[str, Entry]]:
    """Return the entries of a statement that are not stored yet, with what they are recognized by."""
    names = core.identities(statement.entries)
    stored = {
        one.identity: one
        for one in rows.select(
            tx,
            BankEntry,
            "account = %(account)s and identity = any(%(names)s)",
            account=statement.account,
            names=names,
        )
    }
    for name, entry in zip(names, statement.entries, strict=True):
        same = stored.get(name)
        if same and (same.amount, same.currency, same.booked_on) != facts(entry):
            raise BadStatement(
                f"The bank's reference {entry.bank_reference} was that of another payment: {same.amount} of"
                f" {same.booked_on} (in minor units), and now {entry.amount} of {entry.booked_on}."
            )
    return [(name, entry) for name, entry in zip(names, statement.entries, strict=True) if name not in stored]


def facts(entry: Entry) -> tuple[int, str, str]:
    return entry.amount, entry.currency, entry.booked_on.isoformat()


def known_statement(tx: Tx, digest: str) -> bool:
    """Check whether the file was imported before."""
    return bool(rows.select(tx, BankStatement, "digest = %(digest)s and state = 'imported'", digest=digest))


def statement_row(statement: Statement, file: str, digest: str) -> BankStatement:
    return BankStatement(
        account=statement.account,
        closed_on=statement.closed_on.isoformat() if statement.closed_on else None,
        closing=statement.closing,
        currency=statement.currency,
        digest=digest,
        file=file,
        name=statement.id,
        opening=statement.opening,
        state="imported",
    )


def entry_row(entry: Entry, statement: BankStatement, identity: str) -> BankEntry:
    return BankEntry(
        account=statement.account or "",
        amount=entry.amount,
        bank_reference=entry.bank_reference,
        batch=entry.batch,
        booked_on=entry.booked_on.isoformat(),
        code=entry.code,
        currency=entry.currency,
        end_to_end=entry.end_to_end,
        iban=entry.iban,
        identity=identity,
        mandate=entry.mandate,
        name=entry.name,
        part=entry.part,
        return_reason=entry.return_reason,
        reversal=entry.reversal,
        statement=statement.id,
        structured=entry.structured,
        text=entry.text,
        value_on=entry.value_on.isoformat() if entry.value_on else None,
    )


def set_aside(tx: Tx, file: str, digest: str, reason: str) -> BankStatement:
    """Store that a file was not booked, and why, once for each file and reason."""
    same = "digest = %(digest)s and reason = %(reason)s"
    known = rows.select(tx, BankStatement, same, digest=digest, reason=reason)
    if known:
        return known[0]
    return rows.insert(tx, BankStatement(digest=digest, file=file, reason=reason, state="set_aside"))
