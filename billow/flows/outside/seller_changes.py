"""Change what an account says of itself as the seller: who it is, its bank, its numbers, its looks."""

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import available_timezones

from stdnum import bic as bics
from stdnum import iban as ibans

from billow.core import numbering
from billow.core.bank.references import KINDS, is_bankgiro
from billow.core.errors import require
from billow.core.file_types import type_of
from billow.core.mail_addresses import is_address
from billow.core.money import CURRENCIES
from billow.core.tax_id_forms import form
from billow.core.tax_ids import TYPES, has_shape
from billow.flows.outside import home_currency
from billow.flows.outside import seller as sellers
from billow.flows.outside.merchant import may_send_from
from billow.flows.outside.seller import Profile
from billow.store.tx import Tx

LARGEST_LOGO = 512 << 10


def change(tx: Tx, given: Mapping[str, Any]) -> list[str]:
    """Store what is given by the names of NAMES, after checking it; return the columns that changed.

    A logo is given as its bytes; lists are of those that a seller may have several of.
    """
    check(given)
    sender = given.get("mail_from")
    require(
        not sender or may_send_from(tx, sender),
        "The installation sends no mails from this domain: its operator allows it by BILLOW_MAIL_SENDERS.",
        param="mail_from",
    )
    known = sellers.profile_of(tx)
    changes = changes_of(known, given)
    if "country" in given:
        changes["country"] = given["country"].upper()
        if currency := home_currency.following(tx, known, changes["country"]):
            changes["default_currency"] = currency
        changes["seller"] = pinned(tx, known, changes.get("seller", dict(known.seller)))
    if "currency" in given:
        changes["default_currency"] = given["currency"].lower()
        changes["seller"] = {**changes.get("seller", known.seller), home_currency.CHOSEN: True}
    if changes:
        sellers.store(tx, tx.account, **changes)
    return sorted(changes)


def changes_of(known: Profile, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of an account that change, whole."""
    business, company = dict(known.business_profile), dict(known.company)
    branding = dict(known.settings.get("branding") or {})
    own = dict(known.seller)
    for option, at, name in (
        ("name", business, "name"),
        ("phone", business, "support_phone"),
        ("url", business, "url"),
        ("color", branding, "primary_color"),
        ("second_color", branding, "secondary_color"),
        *((one, own, one) for one in SAID),
        ("time_zone", own, "time_zone"),
        ("zero_usage", own, "zero_usage"),
    ):
        if option in given:
            at[name] = given[option] or None
    parts = {name: given[name] or None for name in ADDRESS if name in given}
    if parts:
        company["address"] = {**(company.get("address") or {}), **parts}
    if "tax_id" in given:
        own["tax_ids"] = [list(pair) for pair in tax_numbers(given["tax_id"])]
    if "statement" in given:
        own["statements"] = [one for one in given["statement"] if one]
    bank = {name: given[name] for name in ("iban", "bic", "bankgiro", "reference") if name in given}
    if bank:
        own["bank"] = {**(own.get("bank") or {}), **bank}
    own["numbers"] = {**(own.get("numbers") or {}), **numbers_of(given)}
    formats = {numbering.Series.of(own["numbers"], "", "", kind).format for kind in numbering.FORMATS}
    require(len(formats) == 2, "Invoices and credit notes have numbers of different formats.")
    now = {
        "business_profile": business,
        "company": company,
        "settings": {**known.settings, "branding": branding},
        "seller": own,
    }
    changed = {name: value for name, value in now.items() if value != getattr(known, name)}
    return {**changed, "logo": given["logo"] or None} if "logo" in given else changed


NAMES = (
    "name", "email", "phone", "url", "line1", "line2", "postal_code", "city", "state", "country", "tax_id",
    "company_number", "statement", "contact", "iban", "bic", "bankgiro", "reference", "logo", "color",
    "second_color", "footer", "language", "time_zone", "numbers", "number_format", "number_prefix",
    "credit_note_format", "zero_usage", "currency", "mail_from",
)  # fmt: skip
SAID = ("email", "mail_from", "company_number", "contact", "footer", "language")
"""What is stored as it is given."""
LISTS = ("statement", "tax_id")
"""What a seller may have several of."""
ADDRESS = ("line1", "line2", "postal_code", "city", "state", "country")


def numbers_of(given: Mapping[str, Any]) -> dict[str, Any]:
    names = {"numbers": "scheme", "number_format": "format", "number_prefix": "prefix"}
    names["credit_note_format"] = "credit_note_format"
    return {kept: given[name] for name, kept in names.items() if name in given}


def pinned(tx: Tx, known: Profile, own: dict[str, Any]) -> dict[str, Any]:
    """Keep the way an account numbers its invoices when its country changes after its first one.

    Test and live mode are of one seller, so it counts in which of them it was issued.
    """
    numbers = own.get("numbers") or {}
    if "scheme" not in numbers and has_issued(tx):
        numbers = {**numbers, "scheme": numbering.scheme_of(known.country)}
    return {**own, "numbers": numbers}


def has_issued(tx: Tx) -> bool:
    """Tell whether the account has issued an invoice, in either mode."""
    found = False
    for tenant in (f"{tx.account}/{'test' if tx.livemode else 'live'}", tx.tenant):  # its own one last
        tx.run("select set_config('billow.tenant', %(tenant)s, true)", tenant=tenant)
        found = found or tx.one("select 1 from invoices where status <> 'draft' limit 1") is not None
    return found


def tax_numbers(given: list[str]) -> list[tuple[str, str]]:
    """Read tax numbers, as eu_vat:SE556000475501."""
    pairs = [text.partition(":")[::2] for text in given if text]
    for type, value in pairs:
        require(type in TYPES, f"{type} is no type of tax number; eu_vat, gb_vat and ch_vat are some.")
        message = f"{value} does not look like a tax number of the type {type}. {form(type)}"
        require(has_shape(type, value), message.strip())
    return pairs


def check(given: Mapping[str, Any]) -> None:
    """Refuse values that no paper could show or no bank would know."""
    rules: dict[str, tuple[Callable[[str], object], str]] = {
        "country": (lambda text: len(text) == 2 and text.isalpha(), "A country has two letters, as SE."),
        "currency": (lambda text: text.lower() in CURRENCIES, "There is no such currency."),
        "iban": (lambda text: not text or ibans.is_valid(text), "This is no IBAN."),
        "mail_from": (lambda text: not text or is_address(text), "This is no mail address."),
        "bic": (lambda text: not text or bics.is_valid(text), "This is no BIC."),
        "bankgiro": (lambda text: not text or is_bankgiro(text), "This is no Bankgiro number."),
        "reference": (lambda text: text in KINDS, "References are rf or ocr."),
        "time_zone": (lambda text: text in available_timezones(), "A time zone is written Europe/Paris."),
        "numbers": (lambda text: text in numbering.SCHEMES, "Numbers are of the account or of the customer."),
        "number_format": (numbering.is_format, numbering.FORMAT_RULE),
        "zero_usage": (lambda text: text in ("", "show", "hide"), "Lines of no usage are shown or hidden."),
        "credit_note_format": (numbering.is_format, numbering.FORMAT_RULE),
        "number_prefix": (numbering.is_prefix, "A prefix has 1 to 12 capital letters and digits."),
    }
    for name, (holds, message) in rules.items():
        require(name not in given or holds(given[name]), message, param=name)
    for name in ("color", "second_color"):
        require(not given.get(name) or is_color(given[name]), "A colour is written #1D4FB8.", param=name)
    if given.get("logo"):
        body = given["logo"]
        known = type_of("", body) in ("png", "jpg", "svg") and len(body) <= LARGEST_LOGO
        require(known, "A logo is a PNG, JPEG or SVG file of at most 512 KiB.")


def is_color(text: str) -> bool:
    return len(text) == 7 and text[0] == "#" and all(each in "0123456789abcdefABCDEF" for each in text[1:])
