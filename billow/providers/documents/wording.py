"""Translate the words of a document into the customer's language."""

from collections.abc import Sequence
from datetime import date

from billow.core import untaxed
from billow.core.bank.references import grouped, is_ocr
from billow.providers.documents import InvoiceDocument, formats
from billow.providers.documents.languages import WORDS

LANGUAGES = tuple(WORDS)
ALIKE = {"no": "nb", "nn": "nb"}
"""Languages that are read by those who prefer another."""
# Stamped across the document, so that nobody pays it.
STAMPED = ("canceled", "draft", "void")
#: What a tax number is called where that is the same in every language.
TAX_IDS = {
    "au_abn": "ABN", "au_arn": "ARN", "br_cnpj": "CNPJ", "br_cpf": "CPF", "ca_bn": "BN",
    "ca_gst_hst": "GST/HST", "ca_qst": "QST", "ch_uid": "UID", "de_stn": "Steuernummer", "es_cif": "CIF",
    "fr_siren": "SIREN", "fr_siret": "SIRET", "in_gst": "GSTIN",
    "jp_cn": "Corporate number", "jp_trn": "JCT registration number",
    "mx_rfc": "RFC", "nz_gst": "GST", "sg_gst": "GST", "sg_uen": "UEN", "us_ein": "EIN", "za_vat": "VAT",
}  # fmt: skip
#: The language in which a seller's own law words what papers must say.
OF_COUNTRIES = {
    "AT": "de", "BE": "nl", "CH": "de", "DE": "de", "DK": "da", "ES": "es", "FI": "fi", "FR": "fr",
    "LI": "de", "LU": "fr", "MC": "fr", "NL": "nl", "NO": "nb", "SE": "sv",
}  # fmt: skip


#: What a company's number is called in its own country; readers of other languages get a neutral word.
COMPANY_NUMBERS = {
    "da-DK": "CVR-nr.", "de-AT": "Firmenbuch", "de-CH": "UID", "de-DE": "Handelsregister",
    "de-LI": "Handelsregister", "es-ES": "Registro mercantil", "fi-FI": "Y-tunnus", "fr-BE": "BCE",
    "fr-CH": "IDE", "fr-FR": "RCS", "fr-LU": "RCS", "fr-MC": "RCI", "nb-NO": "Org.nr.", "nl-BE": "KBO",
    "nl-NL": "KvK-nummer", "sv-FI": "FO-nummer", "sv-SE": "Org.nr",
}  # fmt: skip


def spoken(locales: Sequence[str], usual: str = "en") -> str:
    """Return the first locale whose language papers are written in, and else the usual one.

    >>> spoken(["fi", "de-CH"]), spoken(["ja"]), spoken(["no"])
    ('fi', 'en', 'no')
    """
    return next((one for one in (*locales, usual) if primary(one) in LANGUAGES), "en")


def primary(locale: str) -> str:
    """Return the language of a locale that is written: de of de-AT, nb of no."""
    language = locale.lower().replace("_", "-").split("-")[0]
    return ALIKE.get(language, language)


def language_of(document: InvoiceDocument) -> str:
    """Return the language to print in: de for de-AT, and English for one that is not supported."""
    found = primary(document.language)
    return found if found in LANGUAGES else "en"


def say(locale: str, name: str, /, **values: object) -> str:
    """Translate a word, with values put into it; an unknown kind or status is printed as it is."""
    words = WORDS.get(primary(locale), WORDS["en"])
    if name not in words:
        return name.replace("_", " ").capitalize()
    return words[name].format(**values) if values else words[name]


def vat(locale: str, country: str) -> str:
    """Return what VAT is called: MwSt. in German, and USt. for Austria's.

    >>> vat("de", "DE"), vat("de-AT", "AT"), vat("sv", "DE")
    ('MwSt.', 'USt.', 'Moms')
    """
    return "USt." if country == "AT" and primary(locale) == "de" else say(locale, "vat")


def every(locale: str, interval: str, count: int) -> str:
    """Say how often something recurs: pro Monat, alle 3 Monate."""
    return say(locale, f"per_{interval}") if count == 1 else say(locale, f"per_{interval}s", count=count)


def word(document: InvoiceDocument, name: str) -> str:
    return say(document.language, name)


def words(document: InvoiceDocument) -> dict[str, str]:
    """Return all words, for templates."""
    return {name: word(document, name) for name in WORDS["en"]}


def day(document: InvoiceDocument, on: date) -> str:
    return formats.day(on, locale_of(document))


def locale_of(document: InvoiceDocument) -> str:
    """Return the locale of numbers and dates: that of the document where its language is written."""
    return document.language if primary(document.language) in LANGUAGES else "en"


def tax_id(locale: str, type: str, shown: str) -> str:
    """Return a tax number with its kind in words: VAT number DE136695976."""
    if type in TAX_IDS:
        return f"{TAX_IDS[type]} {shown}"
    return f"{say(locale, 'vat_number' if type.endswith('_vat') else 'tax_number')} {shown}"


def company_number(locale: str, country: str, number: str) -> str:
    """Return a company's number with its register, as readers in its country call it.

    >>> company_number("de-CH", "DE", "HRB 1"), company_number("de", "SE", "556000-4755")
    ('Handelsregister HRB 1', 'Registernummer 556000-4755')
    """
    own = COMPANY_NUMBERS.get(f"{primary(locale)}-{country.upper()}")
    return f"{own or say(locale, 'company_number')} {number}"


def mention(locale: str, name: str, country: str) -> str:
    """Return what a law wants to be said, in the language of the buyer and in that of the seller's law."""
    own = OF_COUNTRIES.get(country.upper())
    rule = untaxed.NATIONAL.get((country.upper(), name))
    word = "reverse_charge" if name == "domestic_reverse_charge" else name
    said = say(locale, word)
    said = said if own in (None, primary(locale)) else f"{said} / {say(own or 'en', word)}"
    return f"{said.removesuffix('.')} ({rule})." if rule else said


def notes(document: InvoiceDocument) -> tuple[str, ...]:
    """Return the notes below the totals, with those that the law requires."""
    charge = (word(document, "reverse_charge"),) if document.reverse_charge and not document.mentions else ()
    return (*document.notes, *charge, *document.mentions)


def transfer(document: InvoiceDocument) -> list[tuple[str, str]]:
    """Return the labels and texts of how to pay by bank transfer; none where it cannot be paid so."""
    to = document.transfer
    if to is None:
        return []
    shown = [
        (word(document, "payee"), to.payee),
        ("IBAN", grouped(to.iban)),
        ("BIC", to.bic),
        ("Bankgiro", to.bankgiro),
        ("OCR", to.reference)
        if is_ocr(to.reference)
        else (word(document, "reference"), grouped(to.reference)),
    ]
    return [(label, text) for label, text in shown if text]


def title(document: InvoiceDocument) -> str:
    return word(document, document.kind)


def stamp(document: InvoiceDocument) -> str | None:
    return word(document, document.status).upper() if document.status in STAMPED else None


def facts(document: InvoiceDocument) -> list[tuple[str, str]]:
    """Return the labels and texts that identify a document, in reading order.

    That it was issued says its date; the word for that is no status in every language.
    """
    until = word(document, "expires" if document.kind == "quote" else "due")
    due = [] if document.due_on is None else [(until, day(document, document.due_on))]
    issued = "date" if document.kind == "statement" else "issued"
    shown = [
        (word(document, "number"), document.number),
        (word(document, issued), day(document, document.issued_on)),
        *due,
        *document.details,
        (word(document, "currency"), document.currency.upper()),
        (word(document, "status"), "" if document.status == "issued" else word(document, document.status)),
    ]
    return [(label, text) for label, text in shown if text]
