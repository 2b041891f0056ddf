"""Does every declared parameter have an effect? Each is sent, and the object must show it.

The cases come from the registry of operations, their values from the declarations. What cannot be generated
is in the tables below: an example, what it requires, or how the parameter shows.
"""

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from billow.api import rows
from billow.api.fields import Field
from billow.api.params import PARSERS, specs
from billow.api.resource import Resource, Verb
from billow.pages.description import accepted_by
from billow.resources.coupon import Coupon
from billow.resources.product import Product
from tests.conftest import Api, Reply
from tests.support import effects_of_subscription_params as acting_subscriptions
from tests.support import shown_subscription_params as shown_subscriptions
from tests.support import valid_invoice_params as valid_invoices
from tests.support.one_of_each import Maker, Sent, form, with_more, without
from tests.support.shown_params import agrees
from tests.support.tested_paths import operations
from tests.support.valid_params import ELSEWHERE, FIRST, FUTURE, MADE_WITH, TIERS, VALUES, WITH, Key

POSTS = [verb for verb in (*operations("POST"), *operations("DELETE")) if accepted_by(verb)]
CASES = [(verb, name) for verb in POSTS for name in accepted_by(verb)]


def named(case: Any) -> str:
    return f"{case.method} {case.path}" if isinstance(case, Verb) else str(case)


class Case:
    """One parameter of one operation, with what is sent for it."""

    def __init__(self, maker: Maker, verb: Verb, name: str, examples: Mapping[Key, Any] = VALUES) -> None:
        self.maker, self.verb, self.name = maker, verb, name
        self.key, self.spec = (at(verb), name), accepted_by(verb)[name]
        self.path, self.base = begun(self)
        more = WITH.get(self.key, {})
        self.base = with_more(
            self.base, {other: value and filled(maker, value) for other, value in more.items()}
        )
        given = examples.get(self.key)
        self.value = given(self) if callable(given) else given or example(maker, self.spec)

    @property
    def id(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def is_only(self) -> bool:
        """Whether there is one valid value, which is then shown anyway."""
        spec = self.spec.item or self.spec
        return spec.kind == "choice" and len(spec.choices) == 1

    @property
    def api(self) -> Api:
        return self.maker.api

    def without_it(self) -> Reply:
        """What is shown of the same when the parameter is not sent, or as the recipe has it."""
        if self.verb.kind == "update":
            return self.read(self.maker.api.get(self.path))
        path, sent = begun(self)
        answer = self.maker.send(path, sent)
        return self.read(answer) if answer.status == 200 else answer

    def done(self) -> Reply:
        sent = {**without(self.base, self.name), **form(self.value, self.name)}
        return self.maker.request(self.path, sent, self.verb.method)

    def read(self, answer: Reply) -> Reply:
        """The object read again, with what it shows only when it is asked."""
        if self.verb.kind not in ("create", "update"):
            return answer
        path = self.path if self.verb.kind == "update" else f"{self.path}/{answer['id']}"
        shown = self.verb.resource and self.verb.resource.specs.get(self.name)
        inner = specs(shown.shape) if shown and shown.kind == "hash" and shown.shape else {}
        wanted = [self.name] if shown and shown.include else []
        wanted += [f"{self.name}.{name}" for name, spec in inner.items() if spec.include]
        found = self.api.get(path, {"expand[]": wanted})
        assert found.status == 200, found
        return found


def at(verb: Verb) -> str:
    """How the tables name an operation: by its path, at which things are sent, or taken away."""
    return f"DELETE {verb.path}" if verb.method == "DELETE" else verb.path


def begun(case: Case) -> tuple[str, Sent]:
    """Where the request goes, and what it must have besides the parameter."""
    verb, maker = case.verb, case.maker
    if at(verb) in ELSEWHERE:
        path, sent = ELSEWHERE[at(verb)](maker)
        return maker.fill(path), sent
    assert verb.resource and verb.kind in ("create", "update"), f"ELSEWHERE says nothing of {verb.path}"
    if verb.kind == "create":
        return maker.recipe(verb.resource.object)
    more = {name: filled(maker, value) for name, value in MADE_WITH.get(case.key, {}).items()}
    made = maker.make(verb.resource.object, **more)
    return f"{verb.resource.path}/{made['id']}", {}


def filled(maker: Maker, value: Any) -> Any:
    if callable(value):
        return value(maker)
    return maker.fill(value) if isinstance(value, str) else value


def example(maker: Maker, spec: Field) -> Any:
    """A valid value, another than the default."""
    number = maker.number()
    if spec.kind == "hash" and spec.shape:
        inner = {name: part for name, part in specs(spec.shape).items() if part.kind in PARSERS}
        return {name: example(maker, part) for name, part in inner.items()}
    if spec.kind == "map":
        return {"chf": example(maker, Field("hash", shape=spec.shape))}
    if spec.kind == "array":
        return [example(maker, spec.item or Field("hash" if spec.shape else "text", shape=spec.shape))]
    if spec.kind == "ref":
        return str(maker.make(spec.to)["id"]) if spec.to != "tax_code" else "txcd_10000000"
    if spec.kind == "choice":
        return next((choice for choice in reversed(spec.choices) if choice != spec.default), spec.choices[0])
    simple = {
        "boolean": "true" if spec.default is False else "false",
        "currency": "chf",
        "decimal": "2.5",
        "hash": {"key": f"value {number}"},
        "integer": str(max(int(spec.min or 0), min(number, int(spec.max or number)))),
        "metadata": {"key": f"value {number}"},
        "number": "12.5",
        "text": f"text{number}@example.com" if spec.format == "email" else f"text {number}",
        "timestamp": str(FUTURE + number),
    }
    return simple[spec.kind]


# ------------------------------------------------------------------------------------- what is not echoed


def brand_of(case: Case, method: str) -> Any:
    return case.api.get(f"/v1/payment_methods/{method}")["card"]["brand"]


def first_price(case: Case) -> bool:
    price = case.api.get(f"/v1/prices/{case.done()['default_price']}")
    return agrees(FIRST, price)


def linked(case: Case) -> bool:
    [link] = case.done()["links"]["data"]
    sent = {name: value for name, value in case.value.items() if name != "create"}
    return agrees(sent, link) and not case.without_it()["links"]["data"]


def tiers_shown(case: Case) -> bool:
    first, last = case.read(case.done())["tiers"]
    return agrees(TIERS[0], first) and last["up_to"] is None and last["flat_amount"] == 100


def taken_over(case: Case) -> bool:
    """The lookup key goes from the price that had it; without the parameter it is refused."""
    holder = case.maker.make("price", lookup_key="wanted")["id"]
    sent = {**case.base, "lookup_key": "wanted"}
    refused = case.maker.send(case.path, sent)
    answer = case.maker.request(case.path, {**sent, case.name: case.value})
    now = case.api.get(f"/v1/prices/{holder}")["lookup_key"]
    return refused.status == 400 and (answer["lookup_key"], now) == ("wanted", None)


def overlap(case: Case) -> bool:
    """The former secret signs for so long."""
    before = int(time.time())
    id = case.done()["id"]
    with case.api.app.db.transaction(case.api.tenant) as tx:
        found = tx.one("select former_until from webhook_endpoints where id = %(id)s", id=id)
    assert found
    return abs(int(found["former_until"].timestamp()) - before - int(case.value)) < 60


def connected(case: Case) -> bool:
    """The endpoint hears of connected accounts (tests/flows/events/test_connect_endpoints.py)."""
    ids = [case.done()["id"], case.maker.make("webhook_endpoint")["id"]]
    with case.api.app.db.transaction(case.api.tenant) as tx:
        found = tx.tuples(
            "select connect from webhook_endpoints where id = any(%(ids)s) order by id", ids=ids
        )
    return found == [(True,), (False,)]


def validated(case: Case) -> bool:
    """A card that declines is refused, and not to look is refused as well."""
    bad = {**without(case.base, "payment_method", "invoice_settings"), "source": "tok_chargeDeclined"}
    declined = case.maker.send(case.path, {**bad, case.name: "true"})
    unseen = case.maker.send(case.path, {**bad, case.name: "false"})
    return (case.done().status, declined.status, unseen["error"].get("param")) == (200, 402, case.name)


def methods(case: Case) -> list[Any]:
    found = case.api.get(f"/v1/customers/{case.done()['id']}/payment_methods")["data"]
    return [method["card"]["brand"] for method in found]


def captured(case: Case) -> bool:
    charge = case.done()
    return (charge["amount_captured"], charge["amount_refunded"]) == (200, 100)


def shared(case: Case, **more: str) -> Any:
    """A charge that a connected account shares."""
    return case.maker.make("charge", **{"transfer_data[destination]": case.maker.existing("account"), **more})


def fee_of_charge(case: Case) -> bool:
    return bool(shared(case, application_fee_amount="2")["application_fee_amount"] == 2)


def share_of_charge(case: Case) -> bool:
    told = shared(case, **{"transfer_data[amount]": "3"})["transfer_data"]
    return bool(told == {"amount": 3, "destination": case.maker.existing("account")})


def former_share_of_charge(case: Case) -> bool:
    account = case.maker.existing("account")
    card = {"amount": "300", "currency": "usd", "source": "tok_visa"}
    sent = {**card, "destination[account]": account, "destination[amount]": "3"}
    told = case.maker.request("/v1/charges", sent)["transfer_data"]
    return bool(told == {"amount": 3, "destination": account})


def at_capture(case: Case, sent: dict[str, str]) -> Any:
    held = shared(case, capture="false")
    return case.maker.request(f"/v1/charges/{held['id']}/capture", sent)


def fee_given_back(case: Case) -> bool:
    charge = shared(case, application_fee_amount="2")
    case.maker.request("/v1/refunds", {"charge": charge["id"], "refund_application_fee": "true"})
    fee = case.api.get(f"/v1/application_fees/{charge['application_fee']}")
    return bool(fee["refunded"])


def cash_returned(case: Case) -> bool:
    """A refund of a cash balance names its customer and currency, where `origin` says that it is one."""
    customer = case.maker.make("customer")["id"]
    money = {"amount": "100", "currency": "eur"}
    case.maker.request(f"/v1/test_helpers/customers/{customer}/fund_cash_balance", money)
    wanted = {**money, "customer": customer, "origin": "customer_balance"}
    refused = case.maker.send("/v1/refunds", without(wanted, case.name))["error"]
    made = case.maker.request("/v1/refunds", wanted)
    named = {"origin": "customer_balance", "currency": made["currency"], "customer": made["customer"]}
    return bool(refused["param"] == case.name and named[case.name] == wanted[case.name])


def share_taken_back(case: Case) -> bool:
    charge = shared(case)
    case.maker.request("/v1/refunds", {"charge": charge["id"], "reverse_transfer": "true"})
    return bool(case.api.get(f"/v1/transfers/{charge['transfer']}")["reversed"])


def destined(case: Case) -> bool:
    target = case.done()["webhook_endpoint"]
    return bool(target["url"]) and not case.maker.request(*begun(case))["webhook_endpoint"]["url"]


def uploaded(case: Case) -> bool:
    path = f"/v1/files/{case.done()['id']}/contents"
    headers = {"Authorization": f"Bearer {case.api.key}"}
    return bool(case.api.app.wsgi.test_client().get(path, headers=headers).data == case.value)


def nowhere_else(case: Case) -> bool:
    """There are no other accounts: it is refused, by its name."""
    answer = case.maker.send(case.path, {**case.base, case.name: "acct_1"})
    return (answer.status, answer["error"]["param"]) == (400, case.name)


def untaxed(case: Case) -> bool:
    """Tax is not worked out by itself, which can be said, and cannot be asked for otherwise."""
    answer = case.maker.send(case.path, {**case.base, f"{case.name}[enabled]": "true"})
    return answer.status == 400 and agrees(case.value, case.done()[case.name])


def taken_off(case: Case) -> bool:
    answer = case.done()
    return len(answer["discounts"]) == 1 and answer["total_details"]["amount_discount"] > 0


def offered(case: Case) -> bool:
    """Every word of each line: what is said of a new price, of its discounts and of its taxes."""
    path = f"/v1/quotes/{case.done()['id']}/line_items"
    expand = {f"expand[{place}]": f"data.{name}" for place, name in enumerate(("discounts", "taxes"))}
    first, second = case.api.get(path, expand)["data"]
    wanted, data = case.value[0], case.value[1]["price_data"]
    [off], [tax] = first["discounts"], first["taxes"]
    named = {
        "price": first["price"]["id"],
        "quantity": str(first["quantity"]),
        "discounts": [{"coupon": off["discount"]["source"]["coupon"]}],
        "tax_rates": [tax["rate"]["id"]],
    }
    return wanted == named and agrees(data, second["price"])


SUBSCRIPTIONS = {**acting_subscriptions.RULES, **shown_subscriptions.RULES}
#: Parameters that are not shown under their name: what proves that they were honoured.
RULES: dict[Key, Callable[[Case], bool]] = {
    **SUBSCRIPTIONS,
    **valid_invoices.RULES,
    ("/v1/charges", "capture"): lambda case: case.done()["captured"] is False,
    ("/v1/charges", "source"): lambda case: case.done()["source"]["brand"] == "MasterCard",
    ("/v1/charges", "application_fee_amount"): fee_of_charge,
    ("/v1/charges", "transfer_data"): share_of_charge,
    ("/v1/charges", "application_fee"): lambda case: (
        shared(case, application_fee="2")["application_fee_amount"] == 2
    ),
    ("/v1/charges", "destination"): former_share_of_charge,
    ("/v1/charges/{id}/capture", "application_fee"): lambda case: (
        at_capture(case, {"application_fee": "2"})["application_fee_amount"] == 2
    ),
    ("/v1/charges/{id}/capture", "amount"): captured,
    ("/v1/charges/{id}/capture", "application_fee_amount"): lambda case: (
        at_capture(case, {"application_fee_amount": "2"})["application_fee_amount"] == 2
    ),
    ("/v1/charges/{id}/capture", "transfer_data"): lambda case: (
        at_capture(case, {"transfer_data[amount]": "3"})["transfer_data"]["amount"] == 3
    ),
    **{("/v1/refunds", name): cash_returned for name in ("currency", "customer", "origin")},
    ("/v1/refunds", "refund_application_fee"): fee_given_back,
    ("/v1/refunds", "reverse_transfer"): share_taken_back,
    ("/v1/customers", "payment_method"): lambda case: methods(case) == ["mastercard"],
    ("/v1/customers", "source"): lambda case: brand_of(case, case.done()["default_source"]) == "mastercard",
    ("/v1/customers", "tax_id_data"): lambda case: agrees(
        case.value, case.api.get(f"/v1/customers/{case.done()['id']}/tax_ids")["data"]
    ),
    ("/v1/customers", "validate"): validated,
    ("/v1/customers/{id}/cards", "source"): lambda case: case.done()["brand"] == "MasterCard",
    ("/v1/customers/{id}/cards", "validate"): validated,
    ("/v1/customers/{id}/sources", "source"): lambda case: case.done()["brand"] == "MasterCard",
    ("/v1/customers/{id}/sources", "validate"): validated,
    ("/v1/customers/{id}/funding_instructions", "bank_transfer"): lambda case: (
        case.done()["bank_transfer"]["country"] == "FR"
    ),
    ("/v1/customers/{id}", "source"): lambda case: (
        brand_of(case, case.done()["default_source"]) == "mastercard"
    ),
    ("/v1/customers/{id}", "validate"): validated,
    ("/v1/events/{id}/resend", "webhook_endpoint"): lambda case: case.done()["pending_webhooks"] == 1,
    ("/v1/files", "file"): uploaded,
    ("/v1/files", "file_link_data"): linked,
    ("/v1/plans", "tiers"): tiers_shown,
    ("/v1/prices", "custom_unit_amount"): lambda case: agrees(
        {"minimum": "100", "preset": "150"}, case.done()["custom_unit_amount"]
    ),
    ("/v1/prices", "product_data"): lambda case: agrees(
        case.value, case.api.get(f"/v1/products/{case.done()['product']}")
    ),
    ("/v1/prices", "tiers"): tiers_shown,
    ("/v1/prices", "transfer_lookup_key"): taken_over,
    ("/v1/prices/{id}", "transfer_lookup_key"): taken_over,
    ("/v1/products", "default_price_data"): first_price,
    ("/v1/quotes", "automatic_tax"): untaxed,
    ("/v1/quotes", "customer_account"): nowhere_else,
    ("/v1/quotes", "discounts"): taken_off,
    ("/v1/quotes", "line_items"): offered,
    ("/v1/quotes/{id}", "automatic_tax"): untaxed,
    ("/v1/quotes/{id}", "customer_account"): nowhere_else,
    ("/v1/quotes/{id}", "discounts"): taken_off,
    ("/v1/quotes/{id}", "line_items"): offered,
    ("/v1/subscriptions", "customer_account"): nowhere_else,
    ("/v1/subscription_schedules", "customer_account"): nowhere_else,
    ("/v1/test_helpers/test_clocks/{id}/advance", "frozen_time"): lambda case: agrees(
        {"target_frozen_time": case.value}, case.done()["status_details"]["advancing"]
    ),
    ("/v1/webhook_endpoints", "connect"): connected,
    ("/v1/webhook_endpoints/{id}", "disabled"): lambda case: case.done()["status"] == "disabled",
    ("/v1/webhook_endpoints/{id}/rotate_secret", "expire_after"): overlap,
    ("/v2/core/event_destinations", "include"): destined,
    ("/v2/core/event_destinations/{id}", "include"): destined,
}


# ------------------------------------------------------------------------------------- the test


@pytest.fixture
def maker(api: Api) -> Maker:
    return Maker(api)


@pytest.mark.parametrize(("verb", "name"), CASES, ids=named)
def test_a_parameter_that_is_declared_is_honoured(maker: Maker, verb: Verb, name: str) -> None:
    honoured(Case(maker, verb, name))


def honoured(case: Case) -> None:
    if case.key in RULES:
        assert RULES[case.key](case), f"{case.key}: {case.value} is not honoured"
        return
    before = case.without_it()
    answer = case.done()
    for told in (case.read(answer), *([answer] if case.name in answer else [])):
        assert agrees(case.value, told[case.name]), (case.value, told[case.name])
    assert case.is_only or not agrees(case.value, before.get(case.name)), "it is so without it"


def test_the_tables_name_what_is_there() -> None:
    """A parameter that is gone is gone from the tables."""
    keys = {(at(verb), name) for verb, name in CASES}
    assert {*VALUES, *WITH, *MADE_WITH, *RULES} - keys == set()
    assert set(ELSEWHERE) - {at(verb) for verb in POSTS} == set()


@pytest.mark.parametrize(
    ("verb", "name"), [case for case in CASES if (at(case[0]), case[1]) in SUBSCRIPTIONS], ids=named
)
def test_a_rule_finds_that_its_parameter_is_ignored(
    maker: Maker, monkeypatch: pytest.MonkeyPatch, verb: Verb, name: str
) -> None:
    """Planted: an operation to which it might as well not have been sent."""
    case, inner = Case(maker, verb, name), Maker.send
    path = re.sub(r"{\w+}", r"[^/]+", verb.path)

    def deaf(self: Maker, to: str, sent: Sent, method: str = "POST") -> Reply:
        here = method == verb.method and re.fullmatch(path, to)
        return inner(self, to, without(sent, name) if here else sent, method)

    monkeypatch.setattr(Maker, "send", deaf)
    with pytest.raises(AssertionError):
        honoured(case)


@pytest.mark.parametrize(("noun", "name"), [(Product, "description"), (Coupon, "name")])
def test_a_parameter_that_is_taken_and_ignored_is_found(
    maker: Maker, monkeypatch: pytest.MonkeyPatch, noun: type[Resource], name: str
) -> None:
    """Planted: a creation that forgets one of its parameters."""
    inner = rows.insert

    def forgetful(tx: Any, row: Any, **more: Any) -> Any:
        return inner(tx, row.but(**{name: None}) if isinstance(row, noun) else row, **more)

    monkeypatch.setattr(rows, "insert", forgetful)
    verb = next(verb for verb in POSTS if verb.path == noun.path)
    with pytest.raises(AssertionError):
        honoured(Case(maker, verb, name))
