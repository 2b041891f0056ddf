"""The settings of the seller: the company, its bank account, its numbers and its looks."""

from base64 import b64encode
from typing import Any
from zoneinfo import available_timezones

import flask
from babel.numbers import get_currency_name

from billow.core import numbering
from billow.core.bank.references import KINDS
from billow.core.bank.seller import SellerAccount
from billow.core.money import CURRENCIES
from billow.flows.invoices import numbers
from billow.flows.outside import home_currency, seller_changes
from billow.flows.outside.seller import profile_of, seller_of
from billow.pages import forms
from billow.pages.dashboard import facts
from billow.pages.dashboard.layout import Cell
from billow.pages.dashboard.settings_form import Field, Form, Section, Shown, changes, lines
from billow.pages.dashboard.visit import Visit
from billow.pages.words import words_of
from billow.providers.letters.layout import LANGUAGES
from billow.store.tx import Tx

LANGUAGE_NAMES = {"en": "English", "sv": "Swedish", "de": "German", "fr": "French"}
IMAGES = {"png": "image/png", "jpg": "image/jpeg", "svg": "image/svg+xml"}


def has_issued(tx: Tx) -> bool:
    """Tell whether invoices were issued, in this mode."""
    return bool(tx.tuples("select 1 from invoices where status <> 'draft' limit 1"))


def company(visit: Visit, tx: Tx) -> Shown:
    now, known = seller_of(tx), profile_of(tx)
    address = now.address
    part = {name: getattr(address, name, None) or "" for name in seller_changes.ADDRESS}
    zones = [
        (one, one.replace("_", " ")) for one in sorted(available_timezones()) if "/" in one or one == "UTC"
    ]
    named = [(one, LANGUAGE_NAMES.get(one, one)) for one in LANGUAGES]
    fixed = []
    if has_issued(tx):
        fixed.append("What was issued stays as it was: invoices keep the seller that they were issued by.")
    booked = home_currency.is_booked(tx)
    if booked:
        fixed.append(
            f"The books are kept in {known.default_currency.upper()}. Only the API sets another currency,"
            " and what is booked is not converted."
        )
    return Shown(
        [
            Field("name", "Legal name", now.name),
            Field("company_number", "Company number", now.company_number),
            *(Field(name, label, part[name]) for name, label in ADDRESS_LABELS),
            Field("country", "Country", known.country, "choose", options=forms.countries_of(words_of("en"))),
            *(() if booked else (currency_field(known.default_currency),)),
            Field(
                "tax_id",
                "Tax numbers",
                "\n".join(f"{type}:{value}" for type, value in now.tax_ids),
                "area",
                "One a line, with its type: eu_vat:SE556000475501",
            ),
            Field("email", "Mail address", now.email, "mail"),
            sender_field(profile_of(tx).seller.get("mail_from") or ""),
            Field("phone", "Phone", now.phone),
            Field("url", "Website", now.url),
            Field("contact", "Contact for questions", now.contact),
            Field(
                "statement",
                "Statements that the law asks for",
                "\n".join(now.statements),
                "area",
                "One a line, such as the register and the directors",
            ),
            Field("language", "Language of papers", now.language or "en", "choose", options=named),
            Field(
                "time_zone",
                "Time zone",
                now.time_zone,
                "choose",
                "Days of reports and months of the books begin in it",
                zones,
            ),
        ],
        fixed=fixed,
    )


def sender_field(now: str) -> Field:
    hint = "Empty: from the server's address. Its operator allows domains of your own"
    return Field("mail_from", "Mails come from", now, "mail", hint)


def currency_field(now: str) -> Field:
    named = [(one, currency_named(one)) for one in sorted(CURRENCIES)]
    hint = "That of the country, unless you choose another one"
    return Field("currency", "Currency of the books", now, "choose", hint, named)


def currency_named(code: str) -> str:
    return f"{code.upper()}, {get_currency_name(code.upper(), locale='en')}"


ADDRESS_LABELS = (
    ("line1", "Address"),
    ("line2", "Address, second line"),
    ("postal_code", "Postcode"),
    ("city", "City"),
    ("state", "State or county"),
)


def write_company(visit: Visit, tx: Tx, form: Form) -> dict[str, Any]:
    given: dict[str, Any] = changes(company(visit, tx).fields, form)
    given |= {name: lines(given[name]) for name in seller_changes.LISTS if name in given}
    return {"columns": seller_changes.change(tx, given), "changed": sorted(given)}


def bank(visit: Visit, tx: Tx) -> Shown:
    now = seller_of(tx).account or SellerAccount("")
    names = {"rf": "RF creditor reference (ISO 11649)", "ocr": "OCR number (Sweden)"}
    return Shown(
        [
            Field("iban", "IBAN", now.iban),
            Field("bic", "BIC", now.bic or ""),
            Field("bankgiro", "Bankgiro", now.bankgiro or ""),
            Field(
                "reference",
                "Payment reference",
                now.reference,
                "choose",
                "By it a transfer finds its invoice",
                [(one, names[one]) for one in KINDS],
            ),
        ],
        fixed=["Invoices that were issued keep the account and the reference that they name."],
    )


def write_bank(visit: Visit, tx: Tx, form: Form) -> dict[str, Any]:
    given = changes(bank(visit, tx).fields, form)
    seller_changes.change(tx, given)
    return given


def series(visit: Visit, tx: Tx) -> Shown:
    own = profile_of(tx).seller.get("numbers") or {}
    found, notes = (numbers.series_of(tx, kind) for kind in numbering.FORMATS)
    is_own = found.scheme == "account"
    fixed = ["Numbers that were given stay, and a series goes on where it is: none of them is used twice."]
    return Shown(
        [
            Field(
                "numbers",
                "Invoices are numbered",
                found.scheme,
                "choose",
                "In the European Union all of a seller's invoices are numbered together, without a gap",
                [("account", "Together, without a gap"), ("customer", "Of each customer on their own")],
            ),
            Field("number_prefix", "Prefix", found.prefix, hint="1 to 12 capital letters and digits"),
            Field("number_format", "Format of invoices", found.format, hint=numbering.FORMAT_RULE),
            Field("credit_note_format", "Format of credit notes", notes.format),
        ],
        pairs=[
            (
                "Next invoice",
                Cell(numbers.coming(tx, found) if is_own else "As PREFIX-0001, of the customer"),
            ),
            ("Next credit note", Cell(numbers.coming(tx, notes) if is_own else "As PREFIX-0001-CN-01")),
            ("Begins again", Cell("each year" if found.yearly else "never")),
            ("Set by", Cell("you" if own else "the country")),
        ],
        fixed=fixed,
    )


def write_series(visit: Visit, tx: Tx, form: Form) -> dict[str, Any]:
    given = changes(series(visit, tx).fields, form)
    seller_changes.change(tx, given)
    return given


def branding(visit: Visit, tx: Tx) -> Shown:
    now = seller_of(tx)
    logo = now.logo
    address = f"data:{IMAGES[logo.type]};base64,{b64encode(logo.body).decode()}" if logo else ""
    return Shown(
        [
            Field("logo", "Logo", kind="file", hint="A PNG, JPEG or SVG file of at most 512 KiB"),
            *((Field("no_logo", "Take the logo away", kind="tick"),) if logo else ()),
            Field("color", "Colour of buttons and headings", now.primary_color, "colour", "As #1D4FB8"),
            Field("second_color", "Second colour", now.secondary_color, "colour"),
            Field("footer", "Words at the end of papers", now.footer, "area"),
            Field(
                "zero_usage",
                "Lines without usage",
                "hide" if now.hides_zero_usage else "show",
                "choose",
                options=[("show", "Are on invoices"), ("hide", "Are left out")],
            ),
        ],
        pairs=[("Seller", facts.text(now.name))],
        logo=address,
        colors=[one for one in (now.primary_color, now.secondary_color) if one],
    )


def write_branding(visit: Visit, tx: Tx, form: Form) -> dict[str, Any]:
    given: dict[str, Any] = changes(branding(visit, tx).fields, form)
    for name in ("logo", "no_logo"):
        given.pop(name, None)
    file = flask.request.files.get("logo")
    content = file.read() if file else b""
    if content or form.get("no_logo") == "yes":
        given["logo"] = content
    seller_changes.change(tx, given)
    return {"changed": sorted(given)}


SECTIONS = {
    "company": Section(
        "Company", "Who sells: invoices, receipts and mails say it, in both modes.", company, write_company
    ),
    "branding": Section(
        "Branding", "How papers, mails and pages look.", branding, write_branding, uploads=True
    ),
    "numbers": Section("Numbers", "How invoices and credit notes are numbered.", series, write_series),
    "bank": Section("Bank account", "Where customers pay by transfer.", bank, write_bank),
}
