"""Do all languages say everything, alike, and can every button be read?"""

import re
from dataclasses import replace
from datetime import UTC, datetime
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.flows.papers import sample_letters
from billow.providers.documents import wording
from billow.providers.letters import ACCENT, Language, Letter, LetterLine, Money, Reason, Sender, layout
from billow.providers.letters.formats import locale_of, money
from billow.providers.letters.layout import LANGUAGES, button_color, contrast, on_color, spoken, written

AT = datetime(2027, 3, 14, tzinfo=UTC)
ENGLISH = LANGUAGES["en"]


def letter(variant: str, locale: str, seller: str = "Nimbus Ltd") -> Letter:
    kind, _, which = variant.partition(".")
    values = dict.fromkeys(("due", "next", "last", "date", "month"), AT) | {
        "amount": Money(123456, "eur"),
        "limit": Money(100000, "eur"),
        "reason": Reason("insufficient_funds"),
    }
    names = {"name": "Kim", "number": "A-1", "plan": "Pro", "card": "Visa 4242", "reason_code": "fraudulent"}
    names |= {
        "credit_note": "A-1-CN-01",
        "left": "1",
        "last4": "4300",
        "mandate": "pm-1",
        "creditor": "DE98ZZZ09999999999",
    }
    return Letter(
        kind,
        which,
        locale,
        Sender(seller, "billing@nimbus.example", ("1 Street", "VAT number IE1")),
        values | names,
        "https://billing.example/i",
        ("amount",),
        (LetterLine("Pro", Money(123456, "eur"), (AT, AT)),),
        Money(123456, "eur"),
        ("loss.cancel",),
    )


def holes(texts: tuple[str, ...]) -> set[str]:
    return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=lambda one: one.locale)
def test_a_language_says_everything_that_english_says_with_the_same_values(language: Language) -> None:
    assert language.texts.keys() == ENGLISH.texts.keys()
    assert language.labels.keys() == ENGLISH.labels.keys()
    assert language.notes.keys() == ENGLISH.notes.keys()
    assert language.reasons.keys() == ENGLISH.reasons.keys()
    for name, texts in language.texts.items():
        theirs, ours = texts, ENGLISH.texts[name]
        assert holes(theirs.body) == holes(ours.body), name
        assert holes((theirs.subject,)) <= holes((ours.subject, ours.preview, *ours.body)), name
        assert bool(theirs.button) == bool(ours.button), name
    for name, note in language.notes.items():
        assert holes((note,)) == holes((ENGLISH.notes[name],))


def test_mails_speak_every_language_of_papers() -> None:
    """And no text is left as it is in English, but names and what is alike in both."""
    assert LANGUAGES.keys() == set(wording.LANGUAGES)
    for locale, language in LANGUAGES.items():
        for name, texts in language.texts.items() if locale != "en" else ():
            said, english = (" ".join((one.preview, *one.body)) for one in (texts, ENGLISH.texts[name]))
            assert said != english, (locale, name)
        assert all(text.strip() for text in (*language.labels.values(), *language.reasons.values()))
    assert [spoken(one) for one in ("no", "nn-NO", "nb", "pt")] == ["no", "nn-NO", "nb", "en"]
    assert written(letter("invoice.due", "no")).text == written(letter("invoice.due", "nb")).text


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("variant", sample_letters.VARIANTS)
def test_text_and_html_say_the_same_and_nothing_is_loaded(variant: str, locale: str) -> None:
    found = written(letter(variant, locale))
    assert (
        len(found.subject) <= 60 and "{" not in found.subject + found.text + found.html.split("</style>")[1]
    )
    shown = re.sub(r"<style>.*?</style>|<title>.*?</title>", "", found.html, flags=re.DOTALL)
    words = " ".join(re.sub(r"<[^>]+>", " ", shown).split())
    for line in found.text.split("\n\n")[1:3]:
        assert " ".join(line.split()) in words.replace("&#39;", "'")
    assert not re.search(
        r"<(img|script|link|iframe|object)\b|url\(|@import|https?://(?!billing\.example)", found.html
    )
    assert found.html.count("<a ") <= 1


def test_a_long_name_is_cut_in_the_subject_and_nowhere_else() -> None:
    long = "The Extraordinarily Long Winded Company of Northern Somewhere"
    found = written(letter("payment_failed.first", "en", long))
    assert len(found.subject) <= 60 and "…" in found.subject and "€1,234.56" in found.subject
    assert long in " ".join(found.text.split())


def test_names_are_escaped_and_cannot_disguise_anything() -> None:
    evil = 'Ann"><script>\u202e{amount}\nBcc: x'
    found = written(letter("invoice.due", "en", evil))
    assert "<script>" not in found.html and "\u202e" not in found.html + found.text + found.subject
    assert "\n" not in found.subject and "{amount}" in found.text


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "text"),
    [
        (123456, "eur", "sv", "1 234,56 €"),
        (123456, "eur", "de", "1.234,56 €"),
        (123456, "eur", "fr", "1 234,56 €"),
        (123456, "eur", "de-CH", "EUR 1’234.56"),
        (-500, "usd", "en", "-US$5.00"),
        (500, "jpy", "en", "JP¥500"),
        (1500, "kwd", "en", "KWD 1.500"),
        (12300, "isk", "sv", "123,00 Ikr"),
    ],
)  # fmt: skip
def test_amounts_are_written_as_the_language_and_the_currency_want(
    amount: int, currency: str, locale: str, text: str
) -> None:
    found = money(Money(amount, currency), locale_of(locale))
    assert re.sub("[\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]", " ", found) == text


@given(st.integers(0, 0xFFFFFF))
def test_a_text_on_a_button_of_any_colour_can_be_read(number: int) -> None:
    color = button_color(Sender("Ann", color=f"#{number:06X}"))
    assert contrast(color, on_color(color)) >= 450


def test_a_colour_that_can_be_read_on_is_kept() -> None:
    assert button_color(Sender("Ann", color="#FFD400")) == "#FFD400" and on_color("#FFD400") == "#000000"
    assert button_color(replace(Sender("Ann"), color=ACCENT)) == ACCENT


@pytest.mark.parametrize(
    ("end", "shown"),
    [
        (datetime(2025, 2, 1, tzinfo=UTC), "1 January 2025 – 31 January 2025"),
        (datetime(2025, 1, 2, tzinfo=UTC), "1 January 2025"),
        (datetime(2025, 1, 1, tzinfo=UTC), ""),
    ],
)
def test_a_period_in_a_mail_ends_on_its_last_day_as_on_its_paper(end: datetime, shown: str) -> None:
    line = LetterLine("Pro", Money(100, "eur"), (datetime(2025, 1, 1, tzinfo=UTC), end))
    assert layout.period_of(line, locale_of("en"), "UTC") == shown
