"""Does the API behave like a model in memory, for operations in any order?

Objects are created, updated, deleted, listed, expanded and created twice with one idempotency key, for a
thousand steps and more; the model is a list of the shown objects, and follows only Stripe's documented rules.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from billow.api import listing, params, render
from billow.app import App
from billow.store import idempotency
from tests.conftest import Api, Reply, new_caller
from tests.support.world import flat

EXAMPLES, STEPS = 50, 50
Shown = dict[str, Any]

WORDS = st.sampled_from(["Ann", "Zoë 猫", "0", "a=b&c[d]=e", "O'Neil"])
UNSET = st.just("")
#: "" for the whole clears it, "" for a key removes the key.
METADATA = st.one_of(UNSET, st.dictionaries(st.sampled_from(["a", "b c", "d"]), WORDS | UNSET, max_size=3))
CITY = st.one_of(UNSET, st.fixed_dictionaries({}, optional={"city": WORDS | UNSET, "line1": WORDS}))


@dataclass(frozen=True)
class Noun:
    """How a noun is made and changed. `stub`: it can be retrieved after it was deleted."""

    path: str
    made: dict[str, st.SearchStrategy[Any]]
    changed: dict[str, st.SearchStrategy[Any]]
    deleted: str = "never"
    needs: str = ""
    told: bool = True

    def sent(self) -> st.SearchStrategy[Shown]:
        return st.fixed_dictionaries(self.made, optional={"metadata": METADATA})

    def changes(self) -> st.SearchStrategy[Shown]:
        return st.fixed_dictionaries({}, optional={"metadata": METADATA, **self.changed})


NOUNS = {
    "product": Noun(
        "/v1/products",
        {"name": WORDS},
        {"name": WORDS, "active": st.booleans(), "description": WORDS | UNSET, "unit_label": WORDS | UNSET},
        deleted="gone",
    ),
    "price": Noun(
        "/v1/prices",
        {"currency": st.sampled_from(["usd", "jpy"]), "unit_amount": st.integers(0, 999)},
        {"active": st.booleans(), "nickname": WORDS | UNSET, "lookup_key": UNSET},
        needs="product",
    ),
    "customer": Noun(
        "/v1/customers",
        {"email": st.sampled_from(["a@x.ch", "b@x.ch"])},
        {"name": WORDS, "address": CITY, "business_name": WORDS | UNSET, "description": WORDS},
        deleted="stub",
    ),
    "coupon": Noun(
        "/v1/coupons",
        {"percent_off": st.integers(1, 100), "duration": st.just("once")},
        {"name": WORDS | UNSET},
        deleted="gone",
    ),
    "tax_rate": Noun(
        "/v1/tax_rates",
        {"display_name": WORDS, "percentage": st.integers(0, 30), "inclusive": st.booleans()},
        {"active": st.booleans(), "description": WORDS, "jurisdiction": WORDS},
    ),
    "shipping_rate": Noun(
        "/v1/shipping_rates",
        {"display_name": WORDS, "type": st.just("fixed_amount"),
         "fixed_amount": st.just({"amount": 7, "currency": "usd"})},
        {"active": st.booleans()},
        told=False,
    ),
}  # fmt: skip
WITH_ACTIVE = {"product", "price", "tax_rate", "shipping_rate"}
NAMES, PLACES = st.sampled_from(sorted(NOUNS)), st.integers(0, 99)


# ------------------------------------------------------------------------------------- the model


@dataclass
class Item:
    """One object, as it was shown last."""

    noun: str
    shown: Shown
    deleted: bool = False

    @property
    def path(self) -> str:
        return f"{NOUNS[self.noun].path}/{self.shown['id']}"


def merged(old: Shown | None, sent: Shown | str) -> Shown:
    """Metadata by key: "" removes one, "" for the whole removes all."""
    if isinstance(sent, str):
        return {}
    return {key: value for key, value in {**(old or {}), **sent}.items() if value != ""}


def moved(old: Shown | None, sent: Shown | str) -> Shown | None:
    if isinstance(sent, str) or not sent:
        return None if sent == "" else old
    parts = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    return {**parts, **(old or {}), **{key: value or None for key, value in sent.items()}}


def priced(old: Shown | None, sent: Shown) -> Shown:
    return {**sent, "currency_options": {}}


RULES: dict[str, Callable[[Any, Any], Any]] = {"metadata": merged, "address": moved, "fixed_amount": priced}


def after(shown: Shown, sent: Shown) -> Shown:
    """What is to be shown after so much was sent."""
    found = dict(shown)
    for name, value in sent.items():
        plain = None if value == "" else value
        found[name] = RULES[name](shown.get(name), value) if name in RULES else plain
    return found


def previous(before: Shown, now: Shown) -> Shown:
    """What was different before; of hashes the keys that were."""
    found = {}
    for name, value in before.items():
        if name == "updated" or now[name] == value:
            continue
        both = isinstance(value, dict) and isinstance(now[name], dict)
        keys = {*value, *now[name]} if both else set()
        inner = (
            {key: value.get(key) for key in keys if value.get(key) != now[name].get(key)} if both else value
        )
        found[name] = inner
    return found


def same(left: Shown, right: Shown) -> bool:
    return {**left, "updated": 0} == {**right, "updated": 0}


# ------------------------------------------------------------------------------------- the machine


class Machine(RuleBasedStateMachine):
    def __init__(self, app: App) -> None:
        super().__init__()
        self.api: Api = new_caller(app)
        self.items: list[Item] = []
        self.keys = 0

    def of(self, noun: str) -> list[Item]:
        """Those that are still there, the oldest first."""
        return [item for item in self.items if item.noun == noun and not item.deleted]

    def there(self, noun: str, place: int) -> Item | None:
        known = self.of(noun)
        return known[place % len(known)] if known else None

    # ------------------------------------------------------------------------- making

    @initialize(nouns=st.lists(NAMES, min_size=12, max_size=16), data=st.data(), place=PLACES)
    def open(self, nouns: list[str], data: st.DataObject, place: int) -> None:
        """Something to begin with: much cannot go wrong with one object."""
        for noun in ["product", *nouns]:
            self.make(noun, data, place, False)

    @rule(noun=NAMES, data=st.data(), place=PLACES, twice=st.booleans())
    def make(self, noun: str, data: st.DataObject, place: int, twice: bool) -> None:
        kind = NOUNS[noun]
        sent = data.draw(kind.sent())
        if kind.needs:
            needed = self.there(kind.needs, place)
            if needed is None:
                return
            sent[kind.needs] = needed.shown["id"]
        self.keys += 1
        key = {"Idempotency_Key": f"key-{self.keys}"} if twice else {}
        made = self.api.post(kind.path, flat(sent), **key)
        assert made.status == 200, made
        assert same({**made, **after({}, sent)}, made), (sent, made)
        assert made["object"] == noun and made["id"] not in {item.shown["id"] for item in self.items}
        self.items.append(Item(noun, dict(made)))
        self.told(self.items[-1], "created", None)
        if twice:
            self.again(kind.path, sent, made, key)

    def again(self, path: str, sent: Shown, made: Reply, key: dict[str, str]) -> None:
        """The same request is answered again and makes nothing; another with its key is refused."""
        replay = self.api.post(path, flat(sent), **key)
        assert (replay, replay.headers.get("Idempotent-Replayed")) == (made, "true")
        other = self.api.post(path, flat({**sent, "metadata": {"other": "1"}}), **key)
        assert (other.status, other["error"]["type"]) == (400, "idempotency_error")

    # ------------------------------------------------------------------------- changing

    @rule(noun=NAMES, data=st.data(), place=PLACES)
    def change(self, noun: str, data: st.DataObject, place: int) -> None:
        if not (item := self.there(noun, place)):
            return
        sent = data.draw(NOUNS[noun].changes())
        if sent.get("active") is False and any(
            one.shown["default_price"] == item.shown["id"] for one in self.of("product")
        ):
            refused = self.api.post(item.path, flat(sent))
            assert (refused.status, refused["error"]["param"]) == (400, "active"), "it is a default price"
        else:
            self.changed(item, sent)

    @rule(product=PLACES, place=PLACES)
    def choose(self, product: int, place: int) -> None:
        """Make a price the default of its product; another's, or one that is archived, is refused."""
        item, price = self.there("product", product), self.there("price", place)
        if not item or not price:
            return
        sent = {"default_price": price.shown["id"]}
        if price.shown["product"] == item.shown["id"] and price.shown["active"]:
            self.changed(item, sent)
        else:
            refused = self.api.post(item.path, sent)
            assert (refused.status, refused["error"]["param"]) == (400, "default_price")

    def changed(self, item: Item, sent: Shown) -> None:
        before, expected = item.shown, after(item.shown, sent)
        last = self.newest(f"{item.noun}.updated")
        answer = self.api.post(item.path, flat(sent))
        assert answer.status == 200 and same(answer, expected), (sent, answer, expected)
        item.shown = dict(answer)
        if same(before, expected):
            assert self.newest(f"{item.noun}.updated") == last, "nothing changed, and nothing is told"
        else:
            self.told(item, "updated", previous(before, expected))

    def newest(self, type: str) -> Shown | None:
        found = self.api.get("/v1/events", {"type": type, "limit": 1})["data"]
        return found[0] if found else None

    def told(self, item: Item, what: str, before: Shown | None) -> None:
        if not NOUNS[item.noun].told:
            return
        event = self.newest(f"{item.noun}.{what}")
        assert event and same(event["data"]["object"], item.shown), (event, item.shown)
        shown = event["data"].get("previous_attributes")
        assert (shown and {name: shown[name] for name in shown if name != "updated"}) == before, event

    # ------------------------------------------------------------------------- deleting

    @rule(
        noun=st.sampled_from([name for name in sorted(NOUNS) if NOUNS[name].deleted != "never"]), place=PLACES
    )
    def delete(self, noun: str, place: int) -> None:
        item = self.there(noun, place)
        if not item:
            return
        id = item.shown["id"]
        answer = self.api.delete(item.path)
        if any(price.shown["product"] == id for price in self.of("price")):
            assert answer.status == 400, "a product that has prices stays"
            return
        stub = {"id": id, "object": noun, "deleted": True}
        assert (answer.status, answer) == (200, stub)
        item.deleted = True
        self.told(item, "deleted", None)

    @precondition(lambda self: any(item.deleted for item in self.items))
    @rule(place=PLACES)
    def look_for_what_is_gone(self, place: int) -> None:
        gone = [item for item in self.items if item.deleted]
        item = gone[place % len(gone)]
        found = self.api.get(item.path)
        stub = {"id": item.shown["id"], "object": item.noun, "deleted": True}
        if NOUNS[item.noun].deleted == "stub":
            assert (found.status, found) == (200, stub)
        else:
            assert (found.status, found["error"]["code"]) == (404, "resource_missing")
        assert self.api.post(item.path, {"metadata[a]": "1"}).status == 404
        assert self.api.delete(item.path).status == 404

    # ------------------------------------------------------------------------- looking

    @rule(noun=NAMES, place=PLACES)
    def retrieve(self, noun: str, place: int) -> None:
        if item := self.there(noun, place):
            found = self.api.get(item.path)
            assert found.status == 200 and same(found, item.shown)

    @rule(noun=st.sampled_from(["price", "product"]), place=PLACES, listed=st.booleans())
    def expand(self, noun: str, place: int, listed: bool) -> None:
        item = self.there(noun, place)
        if not item:
            return
        name = {"price": "product", "product": "default_price"}[noun]
        if listed:
            page = self.api.get(NOUNS[noun].path, {"limit": 100, "expand[]": f"data.{name}"})["data"]
            found = next(one for one in page if one["id"] == item.shown["id"])
        else:
            found = self.api.get(item.path, {"expand[]": name})
        whole = next((one.shown for one in self.items if one.shown["id"] == item.shown[name]), None)
        assert same({**found, name: 0}, {**item.shown, name: 0})
        assert (whole is None and found[name] is None) or (whole is not None and same(found[name], whole))

    @rule(
        noun=NAMES,
        limit=st.integers(1, 4),
        cursor=st.none() | PLACES,
        back=st.booleans(),
        active=st.sampled_from([None, True, False]),
    )
    def turn_pages(self, noun: str, limit: int, cursor: int | None, back: bool, active: bool | None) -> None:
        at = self.there(noun, cursor) if cursor is not None else None
        known = self.of(noun)
        query: Shown = {"limit": limit}
        if at:
            place = known.index(at)
            known = known[place + 1 :] if back else known[:place]
            query["ending_before" if back else "starting_after"] = at.shown["id"]
        if active is not None and noun in WITH_ACTIVE:
            known = [item for item in known if item.shown["active"] == active]
            query["active"] = active
        newest = known[::-1]
        wanted = newest[-limit:] if at and back else newest[:limit]
        page = self.api.get(NOUNS[noun].path, flat(query))
        assert [one["id"] for one in page["data"]] == [item.shown["id"] for item in wanted], query
        assert all(same(one, item.shown) for one, item in zip(page["data"], wanted, strict=True))
        assert page["has_more"] == (len(newest) > limit), query

    @rule(noun=NAMES)
    def look_at_all(self, noun: str) -> None:
        page = self.api.get(NOUNS[noun].path, {"limit": 100})
        assert len(page["data"]) == len(self.of(noun)) and not page["has_more"]
        assert all(map(same, page["data"], [item.shown for item in self.of(noun)[::-1]]))


def run(app: App, *phases: Phase) -> None:
    run_state_machine_as_test(
        lambda: Machine(app),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=True,
            report_multiple_bugs=False,
            phases=[Phase.generate, *phases],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_api_and_the_model_agree(app: App) -> None:
    run(app, Phase.shrink)


def no_more(*given: Any) -> Any:
    found, _ = PAGE(*given)
    return found, False


PAGE = listing.page
PLANTED = {
    "has_more is forgotten": (listing, "page", no_more),
    "metadata is never removed": (params, "merged", lambda old, sent: {**old, **sent}),
    "previous attributes are whole": (render, "difference", lambda old, new: old),
    "an idempotency key is not looked at": (idempotency, "begin", lambda *given: None),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_the_machine_finds_a_fault(app: App, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    monkeypatch.setattr(*PLANTED[fault])
    with pytest.raises(AssertionError):
        run(app)
