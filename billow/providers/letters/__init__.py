"""Define what a mail to a customer says as plain data; `layout.py` writes it as text and as HTML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

ACCENT = "#1D4FB8"
"""The colour of a button where the merchant has set none that a text can be read on."""


@dataclass(frozen=True, slots=True)
class Money:
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class Card:
    brand: str
    last4: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a payment failed: the code of a decline, which is put into the customer's words."""

    code: str


Value = str | int | datetime | date | Money | Card | Reason
"""A value that a text names: formatted as the customer's language does, instants as days of the sender."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes: the account, with its colour and what the law wants below a letter.

    `email` is where answers go; `lines` are the address, numbers and statements in the reader's language.
    """

    name: str
    email: str = ""
    lines: tuple[str, ...] = ()
    color: str = ACCENT
    named_by_settings: bool = False
    """Whether a name beside the installation's address goes before this one."""
    zone: str = "UTC"
    """The time zone of the days in a letter, which is that of the papers with it."""
    address: str = ""
    """The address that mails come from, where the account has its own."""


@dataclass(frozen=True, slots=True)
class LetterLine:
    text: str
    amount: Money
    period: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail. `kind` and `variant` name its texts in each language; `values` is what they mention.

    `locale` is as the customer prefers it (sv, de-CH); `facts` are rows of a small table, each a label of the
    wording and a name in `values`; `link` is where the one button leads.
    """

    kind: str
    variant: str
    locale: str
    sender: Sender
    values: Mapping[str, Value]
    link: str | None = None
    facts: tuple[str, ...] = ()
    lines: tuple[LetterLine, ...] = ()
    total: Money | None = None
    notes: tuple[str, ...] = field(default=())
    """Further sentences, each the name of a text of the wording."""
    said: tuple[str, ...] = ()
    """Further sentences as they are, in the language of the letter."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one kind and variant in one language."""

    subject: str
    preview: str
    """What mail programs show beside the subject."""
    heading: str
    body: tuple[str, ...]
    button: str = ""


@dataclass(frozen=True, slots=True)
class Language:
    """Everything that one language says."""

    locale: str
    texts: Mapping[str, Texts]
    """By kind and variant, as invoice.due."""
    labels: Mapping[str, str]
    """Of the rows of facts, and of the parts of every letter."""
    notes: Mapping[str, str]
    reasons: Mapping[str, str]
    """Why a payment failed, by the code of the decline; a whole sentence. `generic` where none fits."""
