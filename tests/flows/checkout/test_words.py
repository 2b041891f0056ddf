"""Do the pages say the same in each of their languages?"""

import re
from datetime import UTC, datetime
from string import Formatter
from typing import Any

import pytest

from billow.app import App
from billow.flows.papers.method_links import update_method
from billow.pages import checkout_view
from billow.pages.words import LANGUAGES, spoken, words_of
from billow.providers.documents import formats, wording
from billow.providers.letters import layout
from billow.resources.checkout_terms import LOCALES
from tests.support.page_visits import PAYER, Visitor
from tests.support.portal_stories import furnished
from tests.support.world import World

OTHERS = [language for language in LANGUAGES if language != "en"]
#: What is the same word in several languages.
ALIKE = re.compile(r"[A-Z]{3,4}|\{\w+\} (×|per) \{\w+\}|[\w-]+|Total|SEPA Direct Debit|\(\w+\)")


def named(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def faults(language: str, table: dict[str, str]) -> list[str]:
    """Return what a language lacks, says too much, or says in another shape than English."""
    english = LANGUAGES["en"]
    if list(table) != list(english):
        return [f"{language} has other sentences than English, or another order of them"]
    found = []
    for key, text in table.items():
        own = english[key]
        if named(text) != named(own):
            found.append(f"{key} names {named(text)}")
        if (text.removesuffix("Nr.")[-1] in ".?") != (own[-1] in ".?"):
            found.append(f"{key} ends as no {'sentence' if own[-1] in '.?' else 'label'}")
        if text == own and not ALIKE.fullmatch(text):
            found.append(f"{key} is English")
        if text != text.strip() or "  " in text or "'" in text or not text.isprintable():
            found.append(f"{key} has odd spaces or quotes")
    return found


@pytest.mark.parametrize("language", OTHERS)
def test_each_language_has_every_sentence_with_what_it_names(language: str) -> None:
    assert faults(language, LANGUAGES[language]) == []


@pytest.mark.parametrize(
    ("key", "text", "fault"),
    [
        ("pay_amount", "Zahlen", "pay_amount names []"),
        ("required", "Pflichtfeld", "required ends as no sentence"),
        ("problems", "Please check the fields below", "problems is English"),
        ("total", "Summe ", "total has odd spaces or quotes"),
    ],
)
def test_a_fault_in_a_language_is_found(key: str, text: str, fault: str) -> None:
    assert faults("de", {**LANGUAGES["de"], key: text}) == [fault]
    assert faults("de", {key: text for key, text in LANGUAGES["de"].items() if key != "pay_to"})


def test_pages_papers_and_mails_speak_the_same_languages() -> None:
    assert set(LANGUAGES) == set(wording.LANGUAGES) == set(layout.LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_of_something_is_said_otherwise_than_several(language: str) -> None:
    words = words_of(language)
    for interval in ("day", "week", "month", "year"):
        assert words.counted(interval, 1) == f"1 {words(interval)}"
        assert words.counted(interval, 3).startswith("3 ") and words.interval(interval, 1) == words(interval)
        assert "1" not in words.counted(interval, 3)
    assert (
        words("free_days", days=words.counted("day", 1), amount="€ 5", interval=words("month")).count("1")
        == 1
    )


def test_a_language_is_found_by_its_short_name() -> None:
    named = ("de-AT", "sv", "no", "es-419", "pt", None)
    assert [words_of(one).language for one in named] == ["de", "sv", "nb", "es", "en", "en"]
    assert spoken(["it", "fr-CA", "sv"]) == "fr-CA" and spoken(["it", "auto"]) is None


def test_every_locale_of_checkout_is_shown_in_its_nearest_language() -> None:
    near = {one: words_of(spoken([one])).language for one in LOCALES}
    assert {near[one] for one in ("en", "en-GB", "auto", "ja", "pt-BR")} == {"en"}
    told = {one for one, of in near.items() if of == one.split("-")[0] != "en"}
    assert told == {"da", "de", "es", "es-419", "fi", "fr", "fr-CA", "nb", "nl", "sv"}


HEADINGS = {
    "en": "Subscribe to Pro", "sv": "Prenumerera på Pro", "de": "Pro abonnieren", "fr-CA": "S’abonner à Pro",
    "es-419": "Suscribirse a Pro", "nl": "Abonneren op Pro", "fi": "Tilaus: Pro", "da": "Abonner på Pro",
    "nb": "Abonner på Pro",
}  # fmt: skip


#: What each screen of the portal says.
SCREENS = {
    "costs": "alerts",
    "usage": "usage_table",
    "papers": "papers_credit_notes",
    "credits": "credits_moved",
}


def of_language(visitor: Visitor, language: str) -> str:
    """Return what a page says, which is in the language, with its words and without their names in braces."""
    assert visitor.status == 200, (language, visitor.status)
    assert f'<html lang="{language}"' in visitor.text
    said = visitor.words()
    assert not re.search(r"\{\w+\}", said), said
    return said


def test_a_session_is_shown_in_its_language(world: World, app: Any) -> None:
    lines = [{"price": world.plan("Pro", eur=20), "quantity": 1}]
    sent = {
        "mode": "subscription",
        "success_url": "https://shop.example",
        "line_items": lines,
        "subscription_data": {"trial_period_days": 1},
    }
    assert {one.split("-")[0] for one in HEADINGS} == set(LANGUAGES)
    for locale, heading in HEADINGS.items():
        language = locale.split("-")[0]
        made = world.post("/v1/checkout/sessions", locale=locale, **sent)
        said = of_language(Visitor(app).opens(made["url"]), language)
        words = words_of(language)
        assert heading in said and words("card_number") in said and words("start_trial") in said
        assert re.search(r"20[.,]00", said) and words.counted("day", 1) in said
        refused = Visitor(app).opens(made["url"]).sends(number="1")
        assert words("bad_number") in refused.words() and words("problems") in refused.words()


def test_a_page_is_in_the_language_of_the_browser_where_nothing_else_is_said(world: World, app: Any) -> None:
    made = world.post("/v1/payment_links", line_items=[{"price": world.once("Book", usd=12), "quantity": 1}])
    asked = {"nn-NO,nb;q=0.9,en;q=0.1": "nb", "it,fi;q=0.5": "fi", "es;q=0,nl": "nl", "it": "en", "": "en"}
    for browser, language in asked.items():
        visitor = Visitor(app, language=browser).opens(made["url"])
        assert words_of(language)("pay_amount", amount="").strip() in of_language(visitor, language)
    chosen = world.post(
        "/v1/checkout/sessions", locale="it", success_url="https://shop.example", mode="setup", currency="eur"
    )
    assert of_language(Visitor(app, language="da").opens(chosen["url"]), "da")


@pytest.mark.parametrize("language", OTHERS)
def test_the_pages_of_a_customer_are_in_their_language(world: World, app: App, language: str) -> None:
    """The hosted invoice before and after it is paid, the page that replaces a card, and the portal."""
    ann, session = furnished(world, preferred_locales=["it", language])
    words = words_of(language)
    world.post("/v1/invoiceitems", customer=ann.id, amount=4800, currency="usd")
    draft = world.post(
        "/v1/invoices",
        customer=ann.id,
        collection_method="send_invoice",
        days_until_due=14,
        pending_invoice_items_behavior="include",
    )
    made = world.post(f"/v1/invoices/{draft['id']}/finalize")
    page = Visitor(app).opens(made["hosted_invoice_url"])
    unpaid = of_language(page, language)
    assert words("invoice", number=made["number"]) in unpaid and words("keep_method") in unpaid
    with app.db.transaction(world.api.tenant) as tx:
        method = update_method(tx, ann.id, made["id"])
    assert words("method_title") in of_language(Visitor(app).opens(method), language)
    world.post(f"/v1/invoices/{made['id']}/pay")
    paid = of_language(Visitor(app).opens(made["hosted_invoice_url"]), language)
    assert words("receipt") in paid
    home = of_language(Visitor(app).opens(session["url"]), language)
    assert words("portal_subscriptions") in home and words("portal_cancel") in home
    for screen, key in SCREENS.items():
        said = of_language(Visitor(app).opens(f"{session['url']}?show={screen}"), language)
        assert words(key) in said, (screen, key)


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
        visitor = Visitor(app, language=browser)
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
    shown = {
        one: checkout_view.written(at.date(), words_of(one)) for one in ("de", "sv", "en", "en-US", "fr-CH")
    }
    assert shown == {
        "de": "30.11.2026",
        "sv": "30 nov. 2026",
        "en": "30 Nov 2026",
        "en-US": "Nov 30, 2026",
        "fr-CH": "30 nov. 2026",
    }
    for locale in ("de", "de-AT", "sv", "fr", "fr-CH", "en-US"):
        assert checkout_view.written(at.date(), words_of(locale)) == formats.short_day(at.date(), locale)
