"""Write a letter as a subject, as text and as HTML, in the language of its reader."""

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_skeleton
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from billow.providers.documents.formats import days_of
from billow.providers.documents.printable import clean
from billow.providers.letters import ACCENT, Language, Letter, LetterLine, Sender, Texts
from billow.providers.letters.danish import DANISH
from billow.providers.letters.dutch import DUTCH
from billow.providers.letters.english import ENGLISH
from billow.providers.letters.finnish import FINNISH
from billow.providers.letters.formats import formatted, locale_of, long_day, money, preferred, primary
from billow.providers.letters.french import FRENCH
from billow.providers.letters.german import GERMAN
from billow.providers.letters.norwegian import NORWEGIAN
from billow.providers.letters.spanish import SPANISH
from billow.providers.letters.swedish import SWEDISH

ALL = (ENGLISH, SWEDISH, GERMAN, FRENCH, SPANISH, DUTCH, FINNISH, DANISH, NORWEGIAN)
LANGUAGES = {one.locale: one for one in ALL}
"""Those of papers, so that a mail and the paper in it speak alike."""
LONGEST_SUBJECT = 60
WIDTH = 72
ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
MONTHS = {"month": "yMMMM"}
"""Values that are months, and the parts of a date to show of them."""


@dataclass(frozen=True, slots=True)
class Written:
    """A letter as it is mailed."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Page:
    """What a letter says, in words: the rows of facts and lines are label and text."""

    subject: str
    preview: str
    heading: str
    hello: str
    body: tuple[str, ...]
    button: str
    facts: tuple[tuple[str, str], ...]
    lines: tuple[tuple[str, str, str], ...]
    total: tuple[str, str] | None
    contact: str
    sender: tuple[str, ...]
    why: str


def written(letter: Letter) -> Written:
    """Write a letter; its names are cleaned of control characters, and escaped in HTML."""
    language = language_of(letter)
    page = page_of(letter, language)
    html = ENVIRONMENT.get_template("letter.html").render(
        page=page,
        letter=letter,
        name=clean(letter.sender.name),
        language=language.locale,
        color=button_color(letter.sender),
        on_color=on_color(button_color(letter.sender)),
    )
    return Written(page.subject, text_of(page, letter.link), html)


def language_of(letter: Letter) -> Language:
    return LANGUAGES[primary(spoken(letter.locale))]


def spoken(locale: str) -> str:
    """Return the locale in which a mail is written to one who prefers this, or English."""
    return preferred([locale], list(LANGUAGES))


def locale_for(letter: Letter) -> Locale:
    """Return the locale of amounts and dates: the one preferred, if we speak its language."""
    return locale_of(spoken(letter.locale))


def texts_of(language: Language, kind: str, variant: str) -> Texts:
    return language.texts[f"{kind}.{variant}"]


def page_of(letter: Letter, language: Language) -> Page:
    """Put the values of a letter into its texts."""
    locale, texts = locale_for(letter), texts_of(language, letter.kind, letter.variant)
    words = {
        name: value_of(name, value, language, locale, letter.sender.zone)
        for name, value in letter.values.items()
    }
    words["seller"] = clean(letter.sender.name)
    name = words.get("name", "")
    who = letter.sender
    return Page(
        subject=subject_of(texts.subject, words),
        preview=texts.preview.format(**words),
        heading=texts.heading.format(**words),
        hello=language.labels["hello"].format(name=name) if name else language.labels["hello_nobody"],
        body=tuple(
            sentence.format(**words)
            for sentence in (*texts.body, *(language.notes[one] for one in letter.notes))
        )
        + tuple(clean(sentence) for sentence in letter.said),
        button=texts.button if letter.link else "",
        facts=tuple((language.labels[label], words[label]) for label in letter.facts),
        lines=tuple(line_of(line, locale, who.zone) for line in letter.lines),
        total=(language.labels["total"], money(letter.total, locale)) if letter.total else None,
        contact=language.labels["contact"].format(email=who.email) if who.email else "",
        sender=tuple(clean(line) for line in (who.name, *who.lines) if line),
        why=language.labels["why_seller" if letter.kind == "dispute" else "why"].format(**words),
    )


def value_of(name: str, value: Any, language: Language, locale: Locale, zone: str) -> str:
    if name in MONTHS:
        return format_skeleton(MONTHS[name], value, locale=locale)
    return clean(formatted(value, language, locale, zone))


def subject_of(template: str, words: dict[str, str]) -> str:
    """Write a subject of at most 60 characters: of what is too long, the seller's name is cut."""
    subject = template.format(**words)
    over = len(subject) - LONGEST_SUBJECT
    seller = words["seller"]
    if over > 0 and "{seller}" in template and len(seller) - over > 3:
        cut = seller[: len(seller) - over - 1].rstrip() + "…"
        subject = template.format(**{**words, "seller": cut})
    return " ".join(subject.split())


def period_of(line: LetterLine, locale: Locale, zone: str) -> str:
    """Write the period of a line as papers do: from its first to its last day, or that one day."""
    if line.period is None or line.period[0] == line.period[1]:
        return ""
    first, last = (long_day(on, locale) for on in days_of(*line.period, zone))
    return first if first == last else f"{first} – {last}"


def line_of(line: LetterLine, locale: Locale, zone: str) -> tuple[str, str, str]:
    return clean(line.text), period_of(line, locale, zone), money(line.amount, locale)


def text_of(page: Page, link: str | None) -> str:
    """Write the text: the same parts in the same order as the HTML has them."""
    parts = [page.hello, *page.body]
    if page.facts:
        parts.append("\n".join(f"{label}: {text}" for label, text in page.facts))
    if page.button and link:
        parts.append(f"{page.button}:\n{link}")
    if page.lines:
        rows = [
            f"{text}: {amount}" + (f"\n  {period}" if period else "") for text, period, amount in page.lines
        ]
        parts.append("\n".join([*rows, *([": ".join(page.total)] if page.total else [])]))
    if page.contact:
        parts.append(page.contact)
    parts.append("\n".join(["-- ", *page.sender, "", page.why]))
    return "\n\n".join(wrapped(part) for part in parts) + "\n"


def wrapped(part: str) -> str:
    """Wrap lines at 72 columns; an address of a page is never cut."""
    return "\n".join(
        textwrap.fill(line, WIDTH, break_long_words=False, break_on_hyphens=False)
        if line.strip() != "--"
        else line
        for line in part.split("\n")
    )


# ------------------------------------------------------------------------------------- colours


def button_color(sender: Sender) -> str:
    """Return the merchant's colour if a text on it can be read (4.5 to 1), else billow's."""
    color = sender.color
    return color if best_contrast(color) >= READABLE else ACCENT


def on_color(color: str) -> str:
    """Return black or white, whichever can be read better on a colour."""
    return max(("#FFFFFF", "#000000"), key=lambda text: contrast(text, color))


def best_contrast(color: str) -> int:
    return contrast(on_color(color), color)


READABLE = 450
"""A contrast of 4.5 to 1, in hundredths."""


def contrast(one: str, other: str) -> int:
    """Return the contrast of two colours in hundredths, by the formula of WCAG.

    >>> contrast("#FFFFFF", "#000000"), contrast("#1D4FB8", "#FFFFFF") > 700
    (2100, True)
    """
    darker, lighter = sorted((luminance(one), luminance(other)))
    return round(100 * (lighter + 0.05) / (darker + 0.05))


def luminance(color: str) -> float:
    shares = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
