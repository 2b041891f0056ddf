"""Is every route closed to other accounts and the other mode, including routes that are added later?

An account gets one object of each kind. Another account with the same objects calls every route with its ids.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest

from billow.api import params
from billow.api.execution import Execution
from billow.api.fields import Field, declared
from billow.api.operation import verbs
from billow.api.resource import REGISTRY, ROUTES, Resource, Verb
from billow.api.versions.known import NEWEST
from billow.resources import nouns_not_there
from tests.conftest import Api, new_caller
from tests.support import credited, disputed
from tests.support.connected import ACCEPTED
from tests.support.live_gateway import live_gateway

EVERY = verbs(ROUTES)
OWN_ACCOUNT = {
    "/v1/accounts/{account}",
    "/v1/accounts/{account}/capabilities",
    "/v1/accounts/{account}/capabilities/{capability}",
    "/v1/accounts/{account}/external_accounts",
}
"""The account, which a key knows by itself (403 for any other)."""
NAMED = "/v1/accounts/{id}/capabilities/{capability}"
"""Capabilities have the same names in every account (tests/flows/platform/test_persons.py)."""
ANYBODYS = {
    "/v1/reporting/report_types/{id}",
    "/v1/tax_codes/{id}",
    NAMED,
    *OWN_ACCOUNT,
    *(f"{path}/{{id}}" for path, _, _ in nouns_not_there.LISTS),
}
"""Lists of the house, the same for all; the account; and what nobody has (tests/api/test_empty_lists.py)."""


def named(verb: Verb) -> str:
    return f"{verb.method} {verb.path}"


#: How to make one of each noun: a path below which it is made, and what is sent; {names} are made before it.
BYPASS, DEFAULT = "pm_card_bypassPending", "invoice_settings[default_payment_method]"
RECIPES: dict[str, tuple[str, dict[str, Any]]] = {
    "account": (
        "/v1/accounts",
        {"type": "express", "country": "SE", "email": "victoria@example.com", **ACCEPTED},
    ),
    "test_helpers.test_clock": ("/v1/test_helpers/test_clocks", {"frozen_time": "1767225600"}),
    "customer": ("/v1/customers", {"name": "Victoria", "payment_method": BYPASS, DEFAULT: BYPASS}),
    "ephemeral_key": ("/v1/ephemeral_keys", {"customer": "{customer}"}),
    "payment_method": ("/v1/payment_methods", {"type": "card", "card[token]": "tok_visa"}),
    "confirmation_token": ("/v1/test_helpers/confirmation_tokens", {"payment_method": "pm_card_visa"}),
    "payment_method_domain": ("/v1/payment_method_domains", {"domain_name": "victoria.example"}),
    "token": (
        "/v1/tokens",
        {
            "card[number]": "4242424242424242",
            "card[exp_month]": "12",
            "card[exp_year]": "2090",
            "card[name]": "Victoria",
        },
    ),
    "reporting.report_run": ("/v1/reporting/report_runs", credited.AGING),
    "card": ("/v1/customers/{customer}/sources", {"source": "tok_visa"}),
    "product": ("/v1/products", {"name": "Victory"}),
    "billing.meter": (
        "/v1/billing/meters",
        {"display_name": "V", "event_name": "v", "default_aggregation[formula]": "sum"},
    ),
    "price": (
        "/v1/prices",
        {"product": "{product}", "currency": "usd", "unit_amount": "700", "recurring[interval]": "month"},
    ),
    "coupon": ("/v1/coupons", {"percent_off": "10", "duration": "once"}),
    "subscription": (
        "/v1/subscriptions",
        {"customer": "{customer}", "items[0][price]": "{price}", "discounts[0][coupon]": "{coupon}"},
    ),
    "subscription_schedule": (
        "/v1/subscription_schedules",
        {"customer": "{customer}", "start_date": "4102444800", "phases[0][items][0][price]": "{price}"},
    ),
    "invoiceitem": ("/v1/invoiceitems", {"customer": "{customer}", "amount": "100", "currency": "usd"}),
    "invoice": ("/v1/invoices", {"customer": "{customer}", "pending_invoice_items_behavior": "include"}),
    "payment_intent": ("/v1/payment_intents", {"customer": "{customer}", "amount": "500", "currency": "usd"}),
    "setup_intent": (
        "/v1/setup_intents",
        {
            "customer": "{customer}",
            "confirm": "true",
            "payment_method": "pm_card_authenticationRequired",
            "mandate_data[customer_acceptance][type]": "offline",
        },
    ),
    "payment_record": (
        "/v1/payment_records/report_payment",
        {
            "amount_requested[currency]": "usd",
            "amount_requested[value]": "500",
            "initiated_at": "1735689600",
            "payment_method_details[type]": "custom",
            "customer_details[customer]": "{customer}",
            "customer_details[name]": "Victoria",
        },
    ),
    "payment_method_configuration": ("/v1/payment_method_configurations", {"name": "V"}),
    "webhook_endpoint": (
        "/v1/webhook_endpoints",
        {"url": "https://victoria.example", "enabled_events[]": "*"},
    ),
    "promotion_code": ("/v1/promotion_codes", {"promotion[type]": "coupon", "promotion[coupon]": "{coupon}"}),
    "tax_rate": ("/v1/tax_rates", {"display_name": "VAT", "percentage": "19", "inclusive": "false"}),
    "shipping_rate": (
        "/v1/shipping_rates",
        {
            "display_name": "Post",
            "type": "fixed_amount",
            "fixed_amount[amount]": "100",
            "fixed_amount[currency]": "usd",
        },
    ),
    "billing.feedback_option": ("/v1/billing/feedback_options", {"description": "V"}),
    "entitlements.feature": ("/v1/entitlements/features", {"name": "F", "lookup_key": "f"}),
    "product_feature": ("/v1/products/{product}/features", {"entitlement_feature": "{entitlements.feature}"}),
    "plan": ("/v1/plans", {"product": "{product}", "currency": "usd", "amount": "700", "interval": "month"}),
    "product_catalog.trial_offer": (
        "/v1/product_catalog/trial_offers",
        {
            "price": "{price}",
            "duration[type]": "relative",
            "duration[relative][iterations]": "1",
            "end_behavior[transition][price]": "{plan}",
        },
    ),
    "credit_note": ("/v1/credit_notes", {"invoice": "{open_invoice}", "amount": "5"}),
    "charge": ("/v1/charges", {"customer": "{customer}", "amount": "300", "currency": "usd"}),
    "refund": ("/v1/refunds", {"charge": "{charge}", "amount": "100"}),
    "transfer": (
        "/v1/transfers",
        {"destination": "{account}", "currency": "usd", "amount": "20", "source_transaction": "{charge}"},
    ),
    "payout": ("/v1/payouts", {"amount": "10", "currency": "usd"}),
    "transfer_reversal": ("/v1/transfers/{transfer}/reversals", {"amount": "10"}),
    "application_fee": (
        "/v1/charges",
        {
            "customer": "{customer}",
            "amount": "300",
            "currency": "usd",
            "application_fee_amount": "30",
            "transfer_data[destination]": "{account}",
        },
    ),
    "bank_account": ("/v1/accounts/{account}/external_accounts", {"external_account": "btok_us"}),
    "person": ("/v1/accounts/{account}/persons", {"first_name": "Victoria"}),
    "fee_refund": ("/v1/application_fees/{application_fee}/refunds", {"amount": "10"}),
    "customer_balance_transaction": (
        "/v1/customers/{customer}/balance_transactions",
        {"amount": "-10", "currency": "usd"},
    ),
    "customer_cash_balance_transaction": (
        "/v1/test_helpers/customers/{customer}/fund_cash_balance",
        {"amount": "10", "currency": "eur"},
    ),
    "billing.credit_grant": (
        "/v1/billing/credit_grants",
        {
            "customer": "{customer}",
            "amount[type]": "monetary",
            "amount[monetary][value]": "10",
            "amount[monetary][currency]": "usd",
            "applicability_config[scope][price_type]": "metered",
        },
    ),
    "billing.wallet": (
        "/v1/billing/wallets",
        {"customer": "{customer}", "currency": "usd", "applicability_config[scope][price_type]": "metered"},
    ),
    "invoice_rendering_template": ("/v1/invoice_rendering_templates", {"nickname": "Victoria"}),
    "tax_id": ("/v1/customers/{customer}/tax_ids", {"type": "eu_vat", "value": "DE136695976"}),
    "file": ("/v1/files", {"purpose": "dispute_evidence", "file": b"%PDF-1.7 of Victoria"}),
    "file_link": ("/v1/file_links", {"file": "{file}"}),
    "quote": (
        "/v1/quotes",
        {
            "customer": "{customer}",
            "line_items[0][price]": "{price}",
            "line_items[0][discounts][0][coupon]": "{coupon}",
        },
    ),
    "checkout.session": (
        "/v1/checkout/sessions",
        {
            "customer": "{customer}",
            "mode": "subscription",
            "line_items[0][price]": "{price}",
            "line_items[0][quantity]": "1",
            "success_url": "https://victoria.example",
        },
    ),
    "payment_link": (
        "/v1/payment_links",
        {"line_items[0][price]": "{price}", "line_items[0][quantity]": "1"},
    ),
    "billing_portal.configuration": (
        "/v1/billing_portal/configurations",
        {"features[invoice_history][enabled]": "true"},
    ),
    "billing_portal.session": ("/v1/billing_portal/sessions", {"customer": "{customer}"}),
    "tax.settings": ("/v1/tax/settings", {"head_office[address][country]": "SE"}),
    "tax.registration": (
        "/v1/tax/registrations",
        {
            "active_from": "now",
            "country": "SE",
            "country_options[se][type]": "standard",
            "country_options[se][standard][place_of_supply_scheme]": "standard",
        },
    ),
    "tax.calculation": (
        "/v1/tax/calculations",
        {
            "currency": "sek",
            "customer_details[address][country]": "SE",
            "line_items[0][amount]": "100",
            "line_items[0][reference]": "L1",
        },
    ),
    "tax.transaction": (
        "/v1/tax/transactions/create_from_calculation",
        {"calculation": "{tax.calculation}", "reference": "victory"},
    ),
    "v2.core.event_destination": (
        "/v2/core/event_destinations",
        {
            "name": "V",
            "type": "webhook_endpoint",
            "event_payload": "thin",
            "enabled_events[]": "*",
            "webhook_endpoint[url]": "https://victoria.example",
        },
    ),
}


#: Live mode takes no test cards.
LIVE: dict[str, tuple[str, dict[str, Any]]] = {
    "customer": ("/v1/customers", {"name": "Victoria", "source": "tok_1abc"}),
    "payment_method": ("/v1/payment_methods", {"type": "card", "card[token]": "tok_1abc"}),
    "setup_intent": ("/v1/setup_intents", {"customer": "{customer}"}),
    "card": ("/v1/customers/{customer}/sources", {"source": "tok_1abc"}),
}


def world(api: Api) -> dict[str, str]:
    """One of each noun, by its `object`: what the recipes make, and what came to be by making it."""
    made: dict[str, str] = {}
    posts = {verb.path for verb in EVERY if verb.method == "POST"}
    live = {**RECIPES, **LIVE} if api.tenant.endswith("/live") else RECIPES
    for noun, (path, sent) in live.items():
        if re.sub(r"\{\w+\}", "{id}", path) not in {re.sub(r"\{\w+\}", "{id}", post) for post in posts}:
            continue
        if noun == "credit_note":
            made["open_invoice"] = credited.open_invoice(api, made["customer"])
        filled = {name: filled_in(value, made) for name, value in sent.items()}
        if path.startswith("/v2/"):
            nested = params.nested([*filled.items()])
            answer = api.ask("POST", path, json=nested)
        else:
            answer = api.post(filled_in(path, made), filled, Stripe_Version=NEWEST)
        only_test = (answer.get("error") or {}).get("code") == "testmode_charges_only"
        if only_test and api.tenant.endswith("/live"):
            continue
        assert answer.status == 200, (noun, answer)
        named = "application_fee" if noun == "application_fee" else "id"
        made[noun] = answer.get(named, noun)  # the settings of taxes are one, without an id
    for noun in disputed.CARDS if "charge" in made else ():
        made[noun] = disputed.made(api, noun)["id"]
    with api.app.db.transaction(api.tenant) as tx:
        for cls in REGISTRY.values():
            found = tx.one(f"select id from {cls.table} order by created, id limit 1")
            if found:
                made.setdefault(cls.object, found["id"])
    return made


def filled_in(text: Any, made: dict[str, str]) -> Any:
    if isinstance(text, bytes):
        return BytesIO(text), "victoria.pdf"
    return re.sub(r"\{([a-z0-9_.]+)\}", lambda hole: made[hole[1]], text)


def everything_of(api: Api) -> dict[str, list[Any]]:
    """Each row of an account, without when its keys were used."""
    with api.app.db.transaction(api.tenant) as tx:
        tables = tx.all(
            "select table_name as name from information_schema.columns where column_name = 'tenant'"
            " and table_schema = 'billow' and table_name not in ('jobs', 'api_keys') order by 1"
        )
        return {row["name"]: sorted(map(str, tx.tuples(f"select * from {row['name']}"))) for row in tables}


class Cast:
    """Whoever has something, who else is there, and what both have."""

    def __init__(self, victim: Api, stranger: Api) -> None:
        self.victim, self.stranger = victim, stranger
        self.theirs, self.own = world(victim), world(stranger)


@pytest.fixture(scope="module", params=["another account", "the other mode"])
def cast(app: Any, request: pytest.FixtureRequest) -> Iterator[Cast]:
    victim = new_caller(app)
    same = request.param == "the other mode"
    with live_gateway(app):
        cast = Cast(victim, new_caller(app, *(["live", victim.account] if same else ["test"])))
        before = everything_of(victim)
        yield cast
        assert everything_of(victim) == before


# ------------------------------------------------------------------------------------- ids in the path

#: Collections below another object that share their name with one of their own.
BELOW = {
    "balance_transactions": "customer_balance_transaction",
    "calculations": "tax.calculation",
    "features": "product_feature",
    "transactions": "tax.transaction",
}


def holder(verb: Verb, place: int) -> str:
    """The noun that an id of a path names: by its word, or by the collection that stands before it."""
    collection = re.split(r"/\{\w+\}", verb.path)[place]
    word, tail = re.findall(r"\{(\w+)\}", verb.path)[place], collection.rsplit("/", 1)[-1]
    if place and tail in BELOW:
        return BELOW[tail]
    known = [cls for cls in REGISTRY.values() if place == 0 and cls.path == collection]
    known += [cls for cls in REGISTRY.values() if cls.object == word or cls.table == tail]
    return known[0].object if known else BELOW.get(tail, tail)


WITH_IDS = [verb for verb in EVERY if "{" in verb.path and verb.path not in ANYBODYS]


def path_of(verb: Verb, ids: list[str]) -> str:
    rest = iter(ids)
    return re.sub(r"\{\w+\}", lambda hole: next(rest), verb.path)


def call(api: Api, verb: Verb, path: str, sent: dict[str, str]) -> Any:
    if verb.method == "POST" and path.startswith("/v2/"):
        return api.ask("POST", path, json=params.nested([*sent.items()]))
    if verb.method == "POST":
        return api.post(path, sent, **in_version(verb))
    return api.ask(verb.method, path, query_string=sent, headers=in_version(verb))


def in_version(verb: Verb) -> dict[str, str]:
    """Name the last version that has the operation."""
    return {"Stripe_Version": verb.until} if verb.until else {}


@pytest.mark.parametrize("verb", WITH_IDS, ids=named)
def test_anothers_id_in_a_path_is_404(cast: Cast, verb: Verb) -> None:
    trespass(cast, verb)


NOT_THERE = ((404, "resource_missing"), (404, "not_found"), (403, "account_invalid"))


def trespass(cast: Cast, verb: Verb) -> None:
    holders = [holder(verb, place) for place in range(verb.path.count("{"))]
    missing = [noun for noun in holders if noun not in cast.theirs]
    assert not missing, f"RECIPES makes no {missing}, so nobody tries {named(verb)}"
    for stolen in range(len(holders)):
        ids = [(cast.theirs if n >= stolen else cast.own)[noun] for n, noun in enumerate(holders)]
        answer = call(cast.stranger, verb, path_of(verb, ids), sample(verb, cast.own))
        told = answer.get("error", {})
        assert (answer.status, told.get("code")) in NOT_THERE, answer
        assert "Victor" not in str(answer)


# ------------------------------------------------------------------------------------- ids in what is sent


def fields_of(verb: Verb) -> dict[str, Field]:
    """What a request may send, by name."""
    if verb.params:
        return params.specs(verb.params)
    if verb.resource and verb.kind in ("create", "update"):
        return verb.resource.accepted(verb.kind)
    return {**(verb.resource.filters() if verb.resource and verb.kind == "list" else {})}


def sample(verb: Verb, own: dict[str, str]) -> dict[str, str]:
    """What the request must send at least, as a form."""
    return dict(required(fields_of(verb), own, ""))


def required(specs: dict[str, Field], own: dict[str, str], at: str) -> Iterator[tuple[str, str]]:
    for name, spec in specs.items():
        if spec.required:
            yield from value_of(spec, own, f"{at}[{name}]" if at else name)


def value_of(spec: Field, own: dict[str, str], at: str) -> Iterator[tuple[str, str]]:
    if spec.kind == "hash" and spec.shape:
        yield from required(declared(spec.shape), own, at)
    elif spec.kind == "array":
        inner = spec.item or Field("hash", shape=spec.shape)
        yield from value_of(inner, own, f"{at}[0]")
    elif spec.kind == "ref":
        yield at, own.get(spec.to, "none_1")
    else:
        simple = {"integer": "1", "decimal": "1", "number": "1", "boolean": "true", "currency": "usd"}
        numeric = max(Decimal(1), Decimal(spec.min or 0))
        value = spec.choices[0] if spec.choices else simple.get(spec.kind, "x")
        yield at, str(numeric) if value == "1" else "1893456000" if spec.kind == "timestamp" else value


def refs(specs: dict[str, Field], at: str = "") -> Iterator[tuple[str, str]]:
    """Each place of a request that takes an id, and of what."""
    for name, spec in specs.items():
        where = f"{at}[{name}]" if at else name
        if spec.kind == "ref":
            yield where, spec.to
        elif spec.kind == "hash" and spec.shape:
            yield from refs(declared(spec.shape), where)
        elif spec.kind == "array" and spec.item and spec.item.kind == "ref":
            yield f"{where}[0]", spec.item.to
        elif spec.kind == "array" and spec.shape:
            yield from refs(declared(spec.shape), f"{where}[0]")


WITH_REFS = [(verb, at, to) for verb in EVERY for at, to in refs(fields_of(verb))]


@pytest.mark.parametrize(("verb", "at", "to"), WITH_REFS, ids=[f"{named(v)} {at}" for v, at, _ in WITH_REFS])
def test_anothers_id_in_what_is_sent_is_refused_or_finds_nothing(
    cast: Cast, verb: Verb, at: str, to: str
) -> None:
    if to in ("tax_code",):
        return
    assert to in cast.theirs, f"RECIPES makes no {to}, so nobody tries {at} of {named(verb)}"
    ids = [cast.own[holder(verb, place)] for place in range(verb.path.count("{"))]
    sent = {**sample(verb, cast.own), **fitting(verb, cast.own, at), at: cast.theirs[to]}
    answer = call(cast.stranger, verb, path_of(verb, ids), sent)
    if verb.method == "GET" and answer.status == 200:
        assert answer["data"] == []
        return
    assert answer.status in (400, 404), (sent, answer)
    assert answer["error"].get("code") == "resource_missing" or refused_before(answer), (sent, answer)
    assert "Victor" not in str(answer)


def refused_before(answer: Any) -> bool:
    """Some requests fail for another reason first; what they say must not depend on whose the id is."""
    return answer["error"].get("code") != "resource_missing" and "similar object" not in str(answer)


def fitting(verb: Verb, own: dict[str, str], at: str) -> dict[str, str]:
    """The rest of a nested place: an array's other required fields."""
    head = at.split("[")[0]
    spec = fields_of(verb)[head]
    return dict(value_of(spec, own, head)) if head != at and spec.kind in ("hash", "array") else {}


def test_the_fuzz_finds_a_route_that_forgets(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: a server that asks the database as the victim."""
    monkeypatch.setattr(
        Execution, "_begin", lambda self, call: lambda: self.db.transaction(cast.victim.tenant)
    )
    verb = next(verb for verb in WITH_IDS if named(verb) == "GET /v1/customers/{id}")
    with pytest.raises(AssertionError, match="200"):
        trespass(cast, verb)


def test_another_account_is_403_as_one_that_is_not_there(cast: Cast) -> None:
    for verb in EVERY:
        if verb.path in OWN_ACCOUNT and cast.victim.account != cast.stranger.account:
            path = verb.path.format(account=cast.victim.account, capability="card_payments")
            answer = cast.stranger.get(path)
            assert (answer.status, answer["error"]["code"]) == (403, "account_invalid")


def test_every_noun_with_a_path_is_in_the_world(cast: Cast) -> None:
    lists = {verb.resource for verb in EVERY if verb.resource and verb.resource.path}
    bare = {cls.object for cls in lists if isinstance(cls, type) and issubclass(cls, Resource)}
    assert bare - set(cast.theirs) - {"tax_code"} == set()
