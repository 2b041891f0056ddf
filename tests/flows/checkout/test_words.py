"""Do the pages say the same in each of their languages?"""

import re
from datetime import UTC, datetime
from typing import Any

from billow.pages import checkout_view
from billow.pages.words import LANGUAGES, words_of
from billow.providers.documents import formats
from tests.support.page_visits import PAYER, Visitor
from tests.support.world import World

NAMED = re.compile(r"{(\w+)}")


def test_each_language_has_every_sentence_with_what_it_names() -> None:
    english = LANGUAGES["en"]
    for language, table in LANGUAGES.items():
        assert list(table) == list(english), language
        for key, text in table.items():
            assert sorted(NAMED.findall(text)) == sorted(NAMED.findall(english[key])), (language, key)


def test_a_language_is_found_by_its_short_name() -> None:
    assert [words_of(one).language for one in ("de-AT", "sv", "pt", None)] == ["de", "sv", "en", "en"]


def test_a_session_is_shown_in_its_language(world: World, app: Any) -> None:
    lines = [{"price": world.plan("Pro", eur=20), "quantity": 1}]
    sent = {"mode": "subscription", "success_url": "https://shop.example", "line_items": lines}
    for locale, heading, amount in (
        ("de", "Pro abonnieren", "20,00 €"),
        ("sv", "Prenumerera på Pro", "20,00 €"),
        ("fr-CA", "S’abonner à Pro", "20,00 €"),
    ):
        made = world.post("/v1/checkout/sessions", locale=locale, **sent)
        visitor = Visitor(app).opens(made["url"])
        assert heading in visitor.words() and amount in visitor.words()
        assert f'<html lang="{locale[:2]}"' in visitor.text


def test_a_customer_who_is_created_prefers_the_language_of_the_page(world: World, app: Any) -> None:
    price = world.plan("Pro", eur=20)
    for locale, browser, kept in (
        ("de", "sv-SE,sv;q=0.9", ["de"]),
        ("auto", "de-AT,en;q=0.5", ["de-AT"]),
        ("auto", "x{y},*", []),
        (None, "", []),
    ):
        made = world.post(
            "/v1/checkout/sessions",
            mode="subscription",
            success_url="https://shop.example",
            line_items=[{"price": price, "quantity": 1}],
            **({"locale": locale} if locale else {}),
        )
        visitor = Visitor(app)
        visitor._client.environ_base["HTTP_ACCEPT_LANGUAGE"] = browser
        visitor.opens(made["url"]).sends(**PAYER)
        done = world.get(f"/v1/checkout/sessions/{made['id']}")
        assert world.get(f"/v1/customers/{done['customer']}")["preferred_locales"] == kept
    known = world.customer("anna", preferred_locales=["fr"])
    made = world.post(
        "/v1/checkout/sessions",
        customer=known.id,
        locale="de",
        mode="subscription",
        success_url="https://shop.example",
        line_items=[{"price": price, "quantity": 1}],
    )
    Visitor(app).opens(made["url"]).sends(**PAYER)
    assert world.get(f"/v1/customers/{known.id}")["preferred_locales"] == ["fr"]


def test_dates_are_written_as_on_papers() -> None:
    at = datetime(2026, 11, 30, 12, tzinfo=UTC)
    shown = {one: checkout_view.day(at, words_of(one)) for one in ("de", "sv", "en", "en-US", "fr-CH")}
    assert shown == {
        "de": "30.11.2026",
        "sv": "30 nov. 2026",
        "en": "30 Nov 2026",
        "en-US": "Nov 30, 2026",
        "fr-CH": "30 nov. 2026",
    }
    for locale in ("de", "de-AT", "sv", "fr", "fr-CH", "en-US"):
        assert checkout_view.day(at, words_of(locale)) == formats.short_day(at.date(), locale)
