"""Can everything be expanded that the official library types as expandable, on every noun?"""

import re
from types import ModuleType
from typing import Any

import pytest

from billow.api import rights
from billow.api.resource import REGISTRY
from tests.api.test_rights import restricted
from tests.api.test_tenancy_routes import world
from tests.conftest import Api, new_caller
from tests.support.sdk_expansions import expandable
from tests.support.statement_counts import counted_in_transactions

PATHS = {name: cls.path for name, cls in sorted(REGISTRY.items()) if cls.path}
#: What is refused although the library has it, and why.
EXCEPTIONS = {
    r"(^|\.)sepa_debit\.": "payment methods are cards, which do not have this hash",
    r"^(charge: source|customer: sources\.data)\.(company|external_accounts|individual|settings)\.": (
        "a source is a card, no account"
    ),
    r"^application_fee: application$": "the program of a platform is no object here",
    r"^application_fee: charge": "what pays the fee is in the books of another account",
    r"destination_payment": "what a transfer became is in the books of another account",
    r"^invoice: .*\.last_payment_error\.payment_method\.": "deeper than four levels with what is below",
}


def asked(contract: ModuleType, noun: str) -> list[str]:
    return [
        path
        for path in expandable(contract, noun)
        if not any(re.search(each, f"{noun}: {path}") or re.search(each, path) for each in EXCEPTIONS)
    ]


@pytest.fixture(scope="module")
def furnished(app: Any) -> tuple[Api, dict[str, str]]:
    api = new_caller(app)
    return api, world(api)


def agree(plain: Any, expanded: Any, names: list[str]) -> set[str]:
    """Compare a value with itself expanded at a path; return the nouns of the objects that came in.

    What is null stays null, and an id stays itself only where billow does not have the noun.
    """
    if isinstance(plain, list):
        assert len(plain) == len(expanded)
        return {noun for one, other in zip(plain, expanded, strict=True) for noun in agree(one, other, names)}
    if names and isinstance(plain, dict):
        name, *rest = names
        others = {key for key in plain if key != name}
        assert {key: plain[key] for key in others} == {key: expanded[key] for key in others}
        return agree(plain.get(name), expanded.get(name), rest)
    if isinstance(plain, str) and isinstance(expanded, dict):
        assert expanded["id"] == plain
        return {expanded["object"]}
    if plain is None and expanded is not None:
        assert names or expanded == {} or isinstance(expanded, dict | list)  # shown only when expanded
        return set()
    assert plain == expanded
    assert not isinstance(plain, str) or not any(plain.startswith(cls.prefix) for cls in REGISTRY.values())
    return set()


@pytest.mark.parametrize("noun", PATHS)
def test_everything_that_is_typed_as_expandable_is_expanded(
    furnished: tuple[Api, dict[str, str]], contract: ModuleType, noun: str
) -> None:
    api, made = furnished
    if noun not in made:
        assert noun in ("tax_code",)
        return
    path = f"{PATHS[noun]}/{made[noun]}"
    for expand in asked(contract, noun):
        first = expand.split(".")[0]
        below = [first] if REGISTRY[noun].specs[first].include and first != expand else []
        plain = api.get(path, {f"expand[{place}]": name for place, name in enumerate(below)})
        expanded = api.get(path, {"expand[]": expand})
        assert (plain.status, expanded.status) == (200, 200), (expand, expanded)
        agree(plain, expanded, expand.split("."))


def test_the_objects_that_are_there_come_in(
    furnished: tuple[Api, dict[str, str]], contract: ModuleType
) -> None:
    """Planted against a comparison that compares nothing: each of these ids becomes its object."""
    api, made = furnished
    for noun, expand, came in (
        ("product", "tax_code", "tax_code"),
        ("invoice", "parent.subscription_details.subscription", "subscription"),
        ("invoice", "lines.data.pricing.price_details.price", "price"),
        ("invoice", "payments.data.payment.payment_intent", "payment_intent"),
        ("subscription_item", "plan.product", "product"),
        ("tax_id", "owner.customer", "customer"),
    ):
        ids = {"product": coded(api), "invoice": billed(api, made)}
        found = api.get(f"{PATHS[noun]}/{ids.get(noun, made[noun])}", {"expand[]": expand})
        value = found
        for name in expand.split("."):
            value = value[name][0] if name == "data" else value[name]
        assert value["object"] == came, (noun, expand, value)


def coded(api: Api) -> str:
    code = api.get("/v1/tax_codes", {"limit": 1})["data"][0]["id"]
    return str(api.post("/v1/products", {"name": "Taxed", "tax_code": code})["id"])


def billed(api: Api, made: dict[str, str]) -> str:
    return str(api.get(f"/v1/subscriptions/{made['subscription']}")["latest_invoice"])


#: Fields of the library's that are shown neither by default nor when they are expanded, and why.
NEVER_SHOWN = {
    "event": ({"account", "context"}, "events of connected accounts have them"),
    "payment_method": (None, "hashes of other methods than cards"),
    "webhook_endpoint": ({"secret"}, "shown once, when it is made"),
}


@pytest.mark.parametrize("noun", PATHS)
def test_what_is_left_out_of_an_answer_can_be_expanded(
    furnished: tuple[Api, dict[str, str]], contract: ModuleType, noun: str
) -> None:
    """The library has no mark for fields that are shown only when asked for: they are those that miss."""
    api, made = furnished
    if noun not in made or noun not in contract._objects():
        return
    path = f"{PATHS[noun]}/{made[noun]}"
    left_out = set(contract.absent(api.get(path)))
    never, _ = NEVER_SHOWN.get(noun, (set(), ""))
    for name in left_out - (left_out if never is None else never):
        answer = api.get(path, {"expand[]": name})
        assert (answer.status, name in answer) == (200, True), (name, answer)


@pytest.mark.parametrize("noun", PATHS)
def test_a_restricted_key_sees_by_expanding_only_what_it_may_read(
    furnished: tuple[Api, dict[str, str]], contract: ModuleType, noun: str
) -> None:
    api, made = furnished
    own = REGISTRY[noun].right()
    if noun not in made or own in rights.KEYS:
        return
    key = {"Authorization": f"Bearer {restricted(api, **{own: 'read'})}"}
    path = f"{PATHS[noun]}/{made[noun]}"
    for expand in asked(contract, noun):
        answer = api.get(path, {"expand[]": expand}, **key)
        if answer.status == 200:
            came = agree_loosely(api.get(path), answer, expand.split("."))
            seen = {REGISTRY[each].right() for each in came}
            assert {rights.PARTS.get(right, right) for right in seen} <= {own}, expand
        else:
            assert answer.status == 403, (expand, answer)


def agree_loosely(plain: Any, expanded: Any, names: list[str]) -> set[str]:
    """Return the nouns of the objects that came in at a path, in what is left out by default too."""
    if isinstance(expanded, list):
        plain = plain if isinstance(plain, list) else [None] * len(expanded)
        pairs = zip(plain, expanded, strict=True)
        return {noun for one, other in pairs for noun in agree_loosely(one, other, names)}
    if not isinstance(expanded, dict):
        return set()
    came = (
        {expanded["object"]} if not isinstance(plain, dict) and expanded.get("object") in REGISTRY else set()
    )
    if not names:
        return came
    within = plain.get(names[0]) if isinstance(plain, dict) else None
    return came | agree_loosely(within, expanded.get(names[0]), names[1:])


LISTED = (
    "charge",
    "invoice",
    "invoice_payment",
    "invoiceitem",
    "payment_intent",
    "quote",
    "refund",
    "subscription",
)


def one_of_each_listed(api: Api) -> None:
    """Make one object of each of LISTED, which has nothing in common with the others."""
    card = {"payment_method": "pm_card_visa", "invoice_settings[default_payment_method]": "pm_card_visa"}
    customer = {"customer": api.post("/v1/customers", card)["id"]}
    coupon = {
        "discounts[0][coupon]": api.post("/v1/coupons", {"percent_off": "10", "duration": "once"})["id"]
    }
    product = api.post("/v1/products", {"name": "P"})["id"]
    money = {"currency": "usd", "product": product, "unit_amount": "700", "recurring[interval]": "month"}
    price = api.post("/v1/prices", money)["id"]
    charge = api.post("/v1/charges", {**customer, "amount": "300", "currency": "usd"})["id"]
    for path, sent in (
        ("/v1/subscriptions", {**customer, **coupon, "items[0][price]": price}),
        ("/v1/refunds", {"charge": charge, "amount": "100"}),
        ("/v1/invoiceitems", {**customer, **coupon, "amount": "100", "currency": "usd"}),
        ("/v1/quotes", {**customer, **coupon, "line_items[0][price]": price}),
        ("/v1/payment_intents", {**customer, "amount": "500", "currency": "usd"}),
    ):
        made = api.post(path, sent)
        assert made.status == 200, made


def test_a_list_shows_the_same_in_as_many_statements_for_one_row_as_for_many(
    app: Any, contract: ModuleType
) -> None:
    api = new_caller(app)
    for _ in range(6):
        one_of_each_listed(api)
    for noun in LISTED:
        path, paths = PATHS[noun], asked(contract, noun)
        expand = {f"expand[{place}]": f"data.{each}" for place, each in enumerate(paths)}
        counts = {}
        for limit in (2, 6):
            with counted_in_transactions() as count:
                page = api.get(path, {"limit": limit, **expand})
            assert (page.status, len(page["data"])) == (200, limit), page
            counts[limit] = len(count)
        assert 0 < counts[6] <= counts[2], (noun, counts)
        one = page["data"][-1]
        alone = api.get(f"{path}/{one['id']}", {f"expand[{n}]": each for n, each in enumerate(paths)})
        assert alone == one
