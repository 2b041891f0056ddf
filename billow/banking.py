"""Run the commands of `billow bank` and `billow sepa`: statements, the queue, files of direct debits."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from stdnum import iban as ibans

from billow.api import rows
from billow.app import App
from billow.commands import tenant
from billow.core.bank.statement import BadStatement
from billow.core.errors import Refused, require
from billow.core.money import minor_units, show
from billow.flows.bank import cash_refunds, direct_debits, queue
from billow.flows.bank import import_statement as importing
from billow.flows.outside.seller import day_of
from billow.opening import open_installation
from billow.providers.bank import pain002
from billow.resources.bank_entry import BankEntry
from billow.resources.bank_statement import BankStatement
from billow.resources.invoice import Invoice
from billow.resources.sepa_collection import STATES, SepaCollection
from billow.terminal import Account, Data, say
from billow.terminal import show as table

bank = typer.Typer(no_args_is_help=True, help="Import bank statements, and apply their payments.")
sepa = typer.Typer(no_args_is_help=True, help="Write files of SEPA direct debits, and read reports on them.")
Mode = Annotated[str, typer.Option(help="test or live.")]
Entry = Annotated[str, typer.Argument(help="An entry's id (bte_…).")]


@bank.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A statement in camt.053.", exists=True, dir_okay=False)],
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Import a bank statement, whole or not at all, and apply its payments. Twice changes nothing."""
    with open_installation(data, account) as built:
        done = importing.import_statement(built.db, tenant(built, mode), file.name, file.read_bytes())
    if done.set_aside:
        say(f"{file.name} is set aside; nothing of it was booked. {done.set_aside}", "red")
        raise typer.Exit(1)
    columns = ["statements", "new entries", "known", "applied", "queued", "outgoing"]
    counted = [done.statements, done.entries, done.repeated, done.applied, done.queued, done.outgoing]
    table(file.name, columns, [counted])


@bank.command("list")
def list_entries(
    every: Annotated[
        bool, typer.Option("--all", help="The latest entries, whatever became of them.")
    ] = False,
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """List the payments of which it is not known what they pay, with open invoices of that amount."""
    with open_installation(data, account) as built, built.db.transaction(tenant(built, mode)) as tx:
        found = queue.recent(tx) if every else queue.waiting(tx)
        shown = [[*facts(one), None if every else ", ".join(queue.suggestions(tx, one))] for one in found]
    columns = ["entry", "day", "amount", "left", "payer", "says", "state", "why", "same amount"]
    table("bank entries" if every else "queue", columns, shown) if shown else say("The queue is empty.")


def facts(entry: BankEntry) -> list[Any]:
    """Return what is shown of an entry."""
    return [
        entry.id,
        entry.booked_on,
        show(entry.amount, entry.currency),
        show(entry.unapplied, entry.currency),
        " ".join(part for part in (entry.name, entry.iban) if part),
        entry.structured or entry.text or entry.bank_reference,
        entry.state,
        entry.reason or entry.rule,
    ]


@bank.command("statements")
def list_statements(mode: Mode = "test", account: Account = None, data: Data = None) -> None:
    """List the statements that were imported, and the files that were set aside, with the reason."""
    with open_installation(data, account) as built, built.db.transaction(tenant(built, mode)) as tx:
        found = rows.select(tx, BankStatement, "true", "order by created desc, id desc limit 200")
    columns = ["file", "statement", "account", "closing", "day", "state", "reason"]
    shown = [
        [
            one.file,
            one.name,
            one.account,
            money(one.closing, one.currency),
            one.closed_on,
            one.state,
            one.reason,
        ]
        for one in found
    ]
    table("statements", columns, shown) if shown else say("No statement was imported.")


def money(amount: int | None, currency: str | None) -> str | None:
    return show(amount, currency) if amount is not None and currency else None


@bank.command("apply")
def apply_entry(
    entry: Entry,
    invoice: Annotated[str, typer.Option(help="The invoice that it pays.")] = "",
    customer: Annotated[str, typer.Option(help="The customer whose balance it is kept on.")] = "",
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Apply an entry to an invoice, or keep it on the balance of a customer."""
    require(
        bool(invoice) != bool(customer), "Name an invoice or a customer: --invoice in_… or --customer cus_…"
    )
    with open_installation(data, account) as built, built.db.transaction(tenant(built, mode)) as tx:
        done = (
            queue.apply_to_invoice(tx, entry, invoice)
            if invoice
            else queue.apply_to_customer(tx, entry, customer)
        )
    left = f"; {show(done.unapplied, done.currency)} of it are left" if done.unapplied else ""
    say(f"{entry} is applied to {invoice or customer}{left}.")


@bank.command("ignore")
def ignore_entry(
    entry: Entry,
    reason: Annotated[str, typer.Option(help="Why it is no payment of a customer.")],
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Take an entry that is no payment of a customer out of the queue, such as a transfer of one's own."""
    with open_installation(data, account) as built, built.db.transaction(tenant(built, mode)) as tx:
        queue.ignore(tx, entry, reason)
    say(f"{entry} is ignored: {reason}")


@bank.command("undo")
def undo_entry(entry: Entry, mode: Mode = "test", account: Account = None, data: Data = None) -> None:
    """Take back what an entry was applied to, or that it was ignored; invoices are open again."""
    with open_installation(data, account) as built, built.db.transaction(tenant(built, mode)) as tx:
        done = queue.undo(tx, entry)
    say(f"{entry} is {'taken back' if done.state == 'reversed' else 'in the queue again'}.")


@bank.command("record")
def record_payment(
    invoice: Annotated[str, typer.Argument(help="The invoice that was paid.")],
    reference: Annotated[str, typer.Option(help="What names the payment, such as a receipt's number.")],
    amount: Annotated[str, typer.Option(help="In major units, as 12.50; all that is open by default.")] = "",
    paid_on: Annotated[str, typer.Option("--date", help="The day it was paid; today by default.")] = "",
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Record a payment that reached you in another way, such as cash. `billow bank undo` takes it back."""
    with open_installation(data, account) as built, built.db.transaction(tenant(built, mode)) as tx:
        currency = rows.find(tx, Invoice, invoice, param="invoice").currency
        wanted = queue.ByHand(
            invoice, minor(amount, currency) if amount else None, day(built, paid_on), reference
        )
        done = queue.record(tx, wanted)
    say(f"{done.id}: {show(done.amount, done.currency)} of {invoice} are paid.")


@bank.command("refunds")
def list_refunds(mode: Mode = "test", account: Account = None, data: Data = None) -> None:
    """List the refunds of cash balances that wait for your transfer, or for an account to send them to."""
    with open_installation(data, account) as built, built.db.transaction(tenant(built, mode)) as tx:
        found = cash_refunds.unsent(tx)
    columns = ["refund", "asked for", "customer", "amount", "state", "send to", "name in the transfer"]
    shown = [
        [
            one.id,
            one.created,
            one.customer,
            show(one.amount, one.currency),
            one.status.replace("_", " "),
            one.send_to,
            one.id.replace("_", "-"),
        ]
        for one in found
    ]
    table("refunds to transfer", columns, shown) if shown else say("No refund waits for a transfer.")


@bank.command("refund")
def settle_refund(
    refund: Annotated[str, typer.Argument(help="The refund of a cash balance (re_…).")],
    to: Annotated[str, typer.Option(help="The IBAN that its customer has named.")] = "",
    sent: Annotated[bool, typer.Option("--sent", help="You have made its transfer.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Its transfer cannot be made.")] = False,
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Say where a refund is to be sent, that it was sent, or that it cannot be. A statement says so too."""
    require(bool(to) + sent + failed == 1, "Say one thing: --to IBAN, --sent or --failed.")
    require(not to or ibans.is_valid(to), f"{to} is no IBAN.")
    with open_installation(data, account) as built, built.db.transaction(tenant(built, mode)) as tx:
        if to:
            done = cash_refunds.send_to(tx, refund, ibans.compact(to))
        else:
            done = cash_refunds.mark_sent(tx, refund) if sent else cash_refunds.mark_failed(tx, refund)
    say(f"{refund} is {done.status}: {show(done.amount, done.currency)} of {done.customer}.")


def minor(text: str, currency: str) -> int:
    """Read an amount in major units; refuse more decimals than the currency has."""
    try:
        return minor_units(text, currency)
    except ValueError as error:
        raise Refused(str(error)) from None


def day(built: App, text: str) -> date:
    """Read a day; without one, that of the seller now."""
    try:
        if text:
            return date.fromisoformat(text)
    except ValueError:
        raise Refused(f"{text} is no date, as 2026-01-31 is.") from None
    with built.db.snapshot(tenant(built, "test")) as tx:  # both modes are of one seller
        return day_of(tx, built.db.wall())


# ------------------------------------------------------------------------------------- direct debits


@sepa.command("export")
def export_debits(
    file: Annotated[Path, typer.Argument(help="The file to write, in pain.008.")],
    batch: Annotated[str, typer.Option(help="Write an earlier file again (sbt_…), as it was.")] = "",
    ahead: Annotated[
        int, typer.Option(help="Bank days before the last moment.", min=0, max=14)
    ] = direct_debits.AHEAD,
    on: Annotated[str, typer.Option("--date", help="The day it goes to the bank; today by default.")] = "",
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Write the direct debits that are due into a file. Each is in one file only; none due: no file."""
    with open_installation(data, account) as built:
        owner, today = tenant(built, mode), day(built, on)
        with built.db.transaction(owner) as tx:
            made = None if batch else direct_debits.export(tx, today, ahead)
        if not batch and made is None:
            say("No direct debit is due; no file was written.")
            return
        with built.db.transaction(owner) as tx:
            content = direct_debits.file_of(tx, batch or (made.id if made else ""))
    write_new(file, content)
    said = f"{debits(made.count)} of {show(made.amount, 'eur')}" if made else "as it was"
    say(f"{file}: {batch or (made.id if made else '')}, {said}")


def debits(count: int) -> str:
    return f"{count} direct debit{'' if count == 1 else 's'}"


def write_new(file: Path, content: bytes) -> None:
    """Write a file that does not exist yet, so that no export replaces one that was not sent."""
    try:
        with file.open("xb") as opened:
            opened.write(content)
    except FileExistsError:
        raise Refused(f"{file} exists; name another file, and fetch this one with --batch.") from None


@sepa.command("list")
def list_debits(mode: Mode = "test", account: Account = None, data: Data = None) -> None:
    """List the files of direct debits, and how many of each the bank has settled, rejected and returned."""
    with open_installation(data, account) as built, built.db.transaction(tenant(built, mode)) as tx:
        found = direct_debits.listed(tx)
    columns = ["file", "written", "debits", "sum", "exported", "settled", "rejected", "returned"]
    shown = [[one.id, one.created, one.count, show(one.amount, "eur"), *counted(own)] for one, own in found]
    table("direct debits", columns, shown) if shown else say("No file of direct debits was written.")


def counted(found: list[SepaCollection]) -> list[int]:
    states = [one.state for one in found]
    return [states.count(state) for state in STATES]


@sepa.command("reject")
def reject_debits(
    file: Annotated[Path, typer.Argument(help="A report in pain.002.", exists=True, dir_okay=False)],
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Read a report of the bank, and fail the direct debits that it rejects."""
    try:
        found = pain002.read(file.read_bytes())
    except BadStatement as error:
        raise Refused(f"{file.name}: {error}") from None
    with open_installation(data, account) as built, built.db.transaction(tenant(built, mode)) as tx:
        unknown = direct_debits.reject(tx, found)
    count = len(found) - len(unknown)
    say(f"{debits(count)} {'is' if count == 1 else 'are'} rejected.")
    for id in unknown:
        say(f"{id} is none of ours.", "red")
    raise typer.Exit(1 if unknown else 0)
