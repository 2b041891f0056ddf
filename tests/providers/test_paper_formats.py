"""Are amounts, numbers and words on papers those of the customer's language, with our decimals?"""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billow.core.money import CURRENCIES, minor_digits
from billow.core.seller import Logo
from billow.providers.documents import InvoiceDocument, Party, formats, html, pdf, text, wording
from billow.providers.documents.languages import WORDS

ISSUED = datetime(2025, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize("locale", [*WORDS, "de-CH", "en-GB", "no"])
def test_every_currency_has_the_decimals_of_the_api_in_every_language(locale):
    for currency in CURRENCIES:
        shown = formats.money(123456, currency, locale)
        digits = "".join(each for each in shown if each.isdecimal())
        assert digits == "123456", (currency, shown)
        if minor_digits(currency):
            assert shown.rstrip("\xa0" + "".join(each for each in shown if not each.isdecimal()))


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "expected"),
    [
        (123456, "huf", "en", "HUF 1,234.56"),
        (123456, "eur", "sv", "1 234,56 €"),
        (123456, "eur", "de-CH", "EUR 1’234.56"),
        (Decimal("0.0003"), "usd", "en", "$0.000003"),
        (-500, "usd", "en", "-$5.00"),
        (1500, "kwd", "de", "1,500 KWD"),
    ],
)
def test_amounts_are_written_as_there(amount, currency, locale, expected):
    shown = formats.money(amount, currency, locale)
    assert shown.replace("\xa0", " ").replace("−", "-") == expected


def test_all_languages_have_the_same_words():
    for language, words in WORDS.items():
        assert words.keys() == WORDS["en"].keys(), language
        for name, said in words.items():
            assert said and set(_holes(said)) == set(_holes(WORDS["en"][name])), (language, name)


def _holes(text):
    return [part.partition("}")[0] for part in text.split("{")[1:]]


def test_a_period_ends_on_its_last_day():
    start, end = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC)
    assert formats.period(start, end, "en") == "Jan 1, 2025 – Jan 31, 2025"
    assert formats.period(start, start, "en") is None
    assert formats.period(start, start.replace(hour=12), "en") == "Jan 1, 2025"
    tokyo = datetime(2025, 1, 31, 15, tzinfo=UTC)
    assert formats.period(start, tokyo, "en", "Asia/Tokyo") == "Jan 1, 2025 – Jan 31, 2025"


def test_mentions_are_in_the_languages_of_the_buyer_and_of_the_sellers_law():
    assert wording.mention("en", "reverse_charge", "SE").count(" / ") == 1
    assert wording.mention("sv", "reverse_charge", "SE") == "Omvänd betalningsskyldighet."
    assert wording.mention("de", "reverse_charge", "US").startswith("Steuerschuldnerschaft")


@pytest.mark.parametrize("language", WORDS)
def test_a_paper_can_be_drawn_in_every_language(paper, language):
    shown = replace(paper, language=language, status="draft", pay_at="https://billing.test/i/1")
    assert pdf.render(shown, ISSUED).startswith(b"%PDF-1.7")
    assert wording.say(language, "invoice").upper() in text.render(shown)
    assert f'lang="{language}"' in html.render(shown)


def test_no_word_of_a_paper_lacks_its_glyph():
    everything = tuple(sorted({said for words in WORDS.values() for said in words.values()}))
    on, who = ISSUED.date(), Party("Ann")
    document = InvoiceDocument("invoice", "1", "open", "EUR", on, None, who, who, (), (), notes=everything)
    pdf.compiled(document, ISSUED)


def test_a_logo_that_cannot_be_drawn_is_left_out(paper):
    broken = replace(paper, logo=Logo("png", b"\x89PNG\r\n\x1a\nbroken"))
    assert pdf.render(broken, ISSUED) == pdf.render(paper, ISSUED)
    drawn = replace(
        paper, logo=Logo("svg", b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    )
    assert pdf.render(drawn, ISSUED) != pdf.render(paper, ISSUED)
    assert 'src="data:image/svg+xml;base64,' in html.render(drawn)
