"""Lists are narrowed by currency and day, and what narrows them is kept as a view of one's own."""

from collections.abc import Callable
from typing import Any

from tests.dashboard.conftest import Person
from tests.support.world import World


def test_a_list_is_narrowed_by_currency_and_day(shop: World, owner: Person) -> None:
    assert "Bert" in owner.reads("/invoices", currency="USD", to="2026-01-31")
    assert "Nothing matches" in owner.reads("/invoices", currency="eur")
    assert "Nothing matches" in owner.reads("/invoices", **{"from": "2026-03-01"})
    assert "Currency: usd ×" in owner.reads("/invoices", currency="usd")
    for wrong in ({"currency": "xxx"}, {"to": "9999-12-31"}, {"from": "soon"}):
        assert owner.opens("/invoices", **wrong).status_code == 400, wrong
    lines = owner.opens("/invoices.csv", **{"from": "2026-02-01"}).text.splitlines()
    assert len(lines) == 3 and not any("Bert" in line for line in lines)


def sends(person: Person, form: dict[str, str]) -> Any:
    return person.client.post(person.address("/views"), data={**person.hidden("/views"), **form})


def test_a_view_is_ones_own_and_keeps_only_what_narrows(
    shop: World, owner: Person, hire: Callable[..., Person]
) -> None:
    form = {"path": "/invoices", "name": "Dollars <b>", "query": "currency=usd&tab=open&starting_after=in_1"}
    answer = sends(owner, form)
    assert answer.headers["Location"].endswith("/invoices?currency=usd&tab=open")
    assert "Dollars <b>" in owner.reads("/invoices") and "Dollars" in owner.reads("/views")
    assert "<b>" not in owner.opens("/invoices").text.split("<main")[1].split("<table")[0]
    colleague = hire("auditor")
    assert "Dollars" not in colleague.reads("/invoices") + colleague.reads("/views")
    for wrong in ({"path": "/audit"}, {"query": ""}, {"name": " "}, {"name": "x" * 61}):
        assert sends(owner, {**form, **wrong}).status_code == 422, wrong
    removed = sends(owner, {**form, "act": "remove"})
    assert removed.status_code == 303 and "Dollars" not in owner.reads("/invoices")
