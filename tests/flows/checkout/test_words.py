"""Do the pages say the same in each of their languages?"""

import re
from typing import Any

from billow.pages.words import LANGUAGES, words_of
from tests.support.page_visits import Visitor
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
