"""The command about the seller: what an account's invoices say of it, and how they are numbered."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from billow import commands
from billow.app import App
from billow.core import numbering
from billow.core.bank.seller import SellerAccount
from billow.core.errors import require
from billow.core.seller import Seller
from billow.flows.outside import seller as sellers
from billow.flows.outside import seller_changes
from billow.flows.outside.merchant import may_send_from
from billow.flows.outside.seller_changes import ADDRESS, LISTS, NAMES
from billow.flows.taxes import registered
from billow.opening import open_installation
from billow.store.tx import Tx
from billow.terminal import Account, Data, say, show, stands_alone

seller = typer.Typer(invoke_without_command=True, help="Show and set who sells: what invoices say of it.")


@seller.callback()
def show_seller(context: typer.Context, account: Account = None, data: Data = None) -> None:
    """Show what the papers of an account say of its seller."""
    if not stands_alone(context):
        return
    with open_installation(data, account) as built, built.db.snapshot(commands.tenant(built, "test")) as tx:
        show("seller", ["what", "is"], rows_of(tx))
        warn(built)


@seller.command("set")
def set_seller(
    what: Annotated[list[str], typer.Argument(help="As name='Acme AB' country=SE tax_id=eu_vat:SE55…01.")],
    account: Account = None,
    data: Data = None,
) -> None:
    """Set what the papers of an account say of its seller, in both modes; an empty text clears it.

    There are name, email, phone, url, line1, line2, postal_code, city, state, country, tax_id (a type and a
    number), company_number, statement, contact, iban, bic, bankgiro, reference (rf or ocr), logo (a file),
    color, second_color, footer, language, time_zone, numbers (account or customer), number_format,
    number_prefix, credit_note_format, zero_usage (show or hide its lines) and currency (of the books; that of
    the country, unless another is set). tax_id and statement may be
    there several times.
    """
    given = read(what)
    with open_installation(data, account, new=True) as built:
        change(built, given)
        with built.db.snapshot(commands.tenant(built, "test")) as tx:
            show("seller", ["what", "is"], rows_of(tx))
        warn(built)


def warn(built: App) -> None:
    """Say what the papers of a seller who is registered for VAT lack, in either mode."""
    found: dict[str, None] = {}
    for mode in ("test", "live"):
        with built.db.snapshot(commands.tenant(built, mode)) as tx:
            found |= dict.fromkeys(registered.lacking(tx))
    for one in found:
        say(one, "red")


def read(what: list[str]) -> dict[str, Any]:
    """Read what is set: texts by name, and lists of those that a seller may have several of."""
    given: dict[str, Any] = {}
    for text in what:
        name, sign, value = text.partition("=")
        require(sign and name in NAMES, f"{name} is nothing to set; there are {', '.join(NAMES)}.")
        if name in LISTS:
            given.setdefault(name, []).append(value.strip())
        else:
            given[name] = logo_of(Path(value)) if name == "logo" else value.strip()
    return given


def logo_of(file: Path) -> bytes:
    require(file.is_file(), f"There is no file {file}.")
    return file.read_bytes()


def change(built: App, given: Mapping[str, Any]) -> None:
    """Store what is given, after checking it."""
    with built.db.transaction(commands.tenant(built, "test")) as tx:
        seller_changes.change(tx, given)


def rows_of(tx: Tx) -> list[list[Any]]:
    """List what is known of the seller, one line each."""
    now, known = sellers.seller_of(tx), sellers.profile_of(tx)
    account = now.account or SellerAccount("")
    own = known.seller.get("numbers") or {}
    series, notes = (numbering.Series.of(own, known.country, known.id, kind) for kind in numbering.FORMATS)
    listed = {
        "name": now.name,
        "address": address_text(now),
        "country": now.country,
        "currency": known.default_currency.upper(),
        "email": now.email,
        "mails come from": sender_text(tx, known.seller.get("mail_from") or ""),
        "phone": now.phone,
        "website": now.url,
        "tax ids": ", ".join(f"{type} {value}" for type, value in now.tax_ids) or now.tax_number,
        "company number": now.company_number,
        "statements": " · ".join(now.statements),
        "contact": now.contact,
        "IBAN": account.iban,
        "BIC": account.bic,
        "Bankgiro": account.bankgiro,
        "logo": f"{now.logo.type}, {len(now.logo.body)} bytes" if now.logo else "",
        "colours": " ".join(one for one in (now.primary_color, now.secondary_color) if one),
        "footer": now.footer,
        "language": now.language or "en",
        "time zone": now.time_zone,
        "numbers": series.described(tx.now),
        "lines of no usage": "hidden" if now.hides_zero_usage else "",
        "credit notes": notes.number(1, tx.now) if notes.scheme == "account" else "as PREFIX-0001-CN-01",
    }
    return [[name, value] for name, value in listed.items()]


def sender_text(tx: Tx, own: str) -> str:
    """Return the address of its own that an account sends from, and say where that is allowed no more."""
    return own if not own or may_send_from(tx, own) else f"{own}, which BILLOW_MAIL_SENDERS does not allow"


def address_text(now: Seller) -> str:
    if now.address is None:
        return ", ".join(now.address_lines)
    parts = (getattr(now.address, name) for name in ADDRESS)
    return ", ".join(part for part in parts if part)
