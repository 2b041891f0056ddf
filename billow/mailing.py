"""The commands about mails: which were sent, how they look, which are sent at all, and which came back."""

import mailbox
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from billow import commands
from billow.app import App
from billow.core import bounces as reports
from billow.core.errors import require
from billow.flows.mails import bounces, kinds, outbox
from billow.flows.outside import merchant
from billow.flows.papers import sample_letters
from billow.opening import open_installation
from billow.providers.letters.layout import LANGUAGES, Written, written
from billow.terminal import Account, Data, say, show, stands_alone, write

mails = typer.Typer(
    invoke_without_command=True, help="List the mails that were sent; preview them, switch kinds on and off."
)
Mode = Annotated[str, typer.Option(help="test or live.")]


@mails.callback()
def list_mails(
    context: typer.Context,
    limit: Annotated[int, typer.Option(help="How many, the latest first.", min=1, max=10_000)] = 50,
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """List the mails that were ordered, the latest first, with what became of them."""
    if not stands_alone(context):
        return
    with open_installation(data, account) as built:
        columns = ["ordered", "kind", "about", "customer", "to", "state", "since", "reason", "subject", "id"]
        show("mails", columns, listed(built, mode, limit))


def listed(built: App, mode: str, limit: int) -> list[list[Any]]:
    with built.db.snapshot(commands.tenant(built, mode)) as tx:
        return [list(row.values()) for row in outbox.listed(tx, limit)]


# ------------------------------------------------------------------------------------- previews


@mails.command()
def preview(
    kind: Annotated[
        str, typer.Argument(help="A kind, as payment_failed, or one of its texts: payment_failed.first.")
    ],
    locale: Annotated[str, typer.Option(help="The customer's language, as sv or de-CH.")] = "en",
    html: Annotated[bool, typer.Option("--html", help="Print HTML, for a browser, instead of text.")] = False,
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Print what a kind of mail says, with the account's name and colour and a sample customer."""
    with open_installation(data, account) as built:
        for found in previews(built, mode, kind, locale):
            write(found.html if html else f"Subject: {found.subject}\n\n{found.text}\n")


def previews(built: App, mode: str, kind: str, locale: str) -> list[Written]:
    found = sample_letters.variants_of(kind)
    require(found, f"There is no mail of the kind {kind}; there are {', '.join(kinds.SENT)}.")
    with built.db.snapshot(commands.tenant(built, mode)) as tx:
        return [written(sample_letters.sample(tx, one, locale)) for one in found]


# ------------------------------------------------------------------------------------- settings


@mails.command("set")
def set_mails(
    on: Annotated[list[str] | None, typer.Option(help="A kind to send; repeatable.")] = None,
    off: Annotated[list[str] | None, typer.Option(help="A kind not to send; repeatable.")] = None,
    name: Annotated[str, typer.Option(help="The name that mails are written in.")] = "",
    color: Annotated[str, typer.Option(help="The colour of the button, as #1D4FB8.")] = "",
    reminder_days: Annotated[str, typer.Option(help="Days after the due date, as 3,7,14.")] = "",
    void_credit_notes: Annotated[
        str, typer.Option(help="Whether voiding an invoice issues a credit note: yes, no, or default.")
    ] = "",
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Show which mails an account sends and in which name; options change it."""
    require(
        void_credit_notes in ("", *VOIDING),
        f"--void-credit-notes is yes, no or default, not {void_credit_notes}.",
    )
    with open_installation(data, account) as built:
        switched = {**dict.fromkeys(on or [], True), **dict.fromkeys(off or [], False)}
        more = {"void_credit_notes": VOIDING[void_credit_notes]} if void_credit_notes else {}
        now = change(built, mode, switched, name, color, numbers(reminder_days), **more)
        show("mails", ["kind", "sent", "by default"], kind_rows(now))
        days = ", ".join(map(str, now.reminder_days))
        say(f"Languages: {', '.join(LANGUAGES)}. Reminders: {days} days after the due date.")
        say(f"Name: {now.display_name or 'the account’s'}. Colour: {now.primary_color or 'billow’s'}.")
        voiding = next(word for word, value in VOIDING.items() if value is now.void_credit_notes)
        say(f"Credit notes of voided invoices: {voiding}.")


VOIDING = {"yes": True, "no": False, "default": None}
"""Whether voiding an invoice issues a credit note; by default where the seller is in the European Union."""


def change(
    built: App,
    mode: str,
    switched: dict[str, bool],
    name: str,
    color: str,
    days: tuple[int, ...],
    **more: bool | None,
) -> merchant.Merchant:
    """Store the settings that are given, and return all of them."""
    for kind in switched:
        kinds.check(kind)
    with built.db.transaction(commands.tenant(built, mode)) as tx:
        now = merchant.merchant_of(tx)
        wanted = merchant.changed(
            now,
            mails={**now.mails, **switched},
            display_name=name or now.display_name,
            primary_color=color or now.primary_color,
            reminder_days=days or now.reminder_days,
            **more,
        )
        if wanted != now:
            merchant.store(tx, wanted)
        return wanted


def numbers(text: str) -> tuple[int, ...]:
    """Read whole numbers with commas between them; an empty text has none."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    require(all(part.isdecimal() for part in parts), f"{text} is no list of days, as 3,7,14.")
    return tuple(int(part) for part in parts)


def kind_rows(now: merchant.Merchant) -> list[list[Any]]:
    return [
        [kind, "yes" if now.mails.get(kind, sent) else "no", "yes" if sent else "no"]
        for kind, sent in kinds.SENT.items()
    ]


# ------------------------------------------------------------------------------------- bounces


@mails.command()
def bounce(
    source: Annotated[
        Path | None, typer.Argument(help="A report, or a maildir of them; without it, standard input.")
    ] = None,
    data: Data = None,
) -> None:
    """Read the reports of mails that came back (RFC 3464): their addresses get no more mails."""
    with open_installation(data) as built:
        for letter in read_letters(source):
            for line in note(built, letter):
                say(line)


def read_letters(source: Path | None) -> Iterator[bytes]:
    if source is None:
        yield sys.stdin.buffer.read()
    elif source.is_dir():
        for letter in mailbox.Maildir(source, create=False):
            yield letter.as_bytes()
    else:
        yield source.read_bytes()


def note(built: App, letter: bytes) -> list[str]:
    """Note what a report is about; return a line for each recipient."""
    found = reports.read(letter)
    if not found:
        return ["No report of a mail that came back."]
    return [noted(built, one) for one in found]


def noted(built: App, one: reports.Bounce) -> str:
    if not one.permanent:
        return f"{one.recipient}: not for good ({one.status or 'no code'}), nothing is noted."
    id = one.message_id.partition("@")[0]
    for account in [row[0] for row in commands.account_rows(built)]:
        for mode in ("test", "live"):
            with built.db.transaction(f"{account}/{mode}") as tx:
                if bounces.record(tx, id, one.recipient, one.reason):
                    return f"{one.recipient}: gets no more mails ({one.reason})."
    return f"{one.recipient}: the mail {one.message_id} is none of ours."


@mails.command()
def unblock(
    address: Annotated[str, typer.Argument(help="A mail address that works again.")],
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Send mails again to an address from which one came back."""
    with open_installation(data, account) as built, built.db.transaction(commands.tenant(built, mode)) as tx:
        require(bounces.forget(tx, address), f"No mail to {address} came back.")
        say(f"{address} gets mails again.")
