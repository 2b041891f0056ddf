"""Does a key need the permission for every object that a param writes, however deeply it is nested?"""

from collections.abc import Iterator, Mapping
from io import BytesIO
from itertools import pairwise
from typing import Any

import pytest

from billow import app as application
from billow.api import fields as f
from billow.api import params, rights
from billow.api.fields import Field
from billow.api.operation import verbs
from billow.api.params import Params
from billow.api.resource import REGISTRY, Verb
from billow.api.written import WRITES

EVERY = [verb for verb in verbs(application.ROUTES) if verb.method != "GET"]
NOUNS = rights.nouns(verbs(application.ROUTES))
Specs = Mapping[str, Field]
Path = tuple[tuple[str, Field], ...]


def restricted(api: Any, **permissions: str) -> dict[str, str]:
    sent = {f"permissions[{noun}]": right for noun, right in permissions.items()}
    made = api.post("/v1/api_keys", {"kind": "restricted", **sent})
    assert made.status == 200, made
    return {"Authorization": f"Bearer {made['secret']}"}


# ------------------------------------------------------------------------------------- every parameter


def taken(verb: Verb) -> Specs:
    """What an operation takes, at its top level."""
    if verb.params:
        return params.specs(verb.params)
    usual = verb.resource is not None and verb.kind in ("create", "update")
    return verb.resource.accepted(verb.kind) if verb.resource and usual else {}


def nested(specs: Specs, above: Path = ()) -> Iterator[Path]:
    """Every parameter of any depth, as the way to it."""
    for name, spec in specs.items():
        way = (*above, (name, spec))
        yield way
        shape = spec.shape or (spec.item.shape if spec.item else None)
        if shape:
            yield from nested(params.specs(shape), way)


def parts(way: Path) -> Iterator[tuple[str, str]]:
    """A parameter as it is sent, with a value that makes something."""
    name = way[0][0] + "".join(
        {"array": "[0]", "map": "[usd]"}.get(above.kind, "") + f"[{below}]"
        for (_, above), (below, _) in pairwise(way)
    )
    spec = way[-1][1]
    if spec.shape:
        yield f"{name}{'[0]' if spec.kind == 'array' else ''}[currency]", "usd"
    else:
        yield name, "5" if spec.kind == "integer" else "pm_card_visa"


def makes(spec: Field) -> bool:
    """A ref names what is there already, unless it takes a new object or the name of a test card."""
    return spec.kind != "ref" or bool(spec.shape) or spec.to == "payment_method"


MAKING = [
    (verb, way)
    for verb in EVERY
    for way in nested(taken(verb))
    if way[-1][0] in WRITES
    and makes(way[-1][1])
    and REGISTRY[WRITES[way[-1][0]].noun].right() != NOUNS[verb.path]
]


def named(case: Any) -> str:
    return f"{case.method} {case.path}" if isinstance(case, Verb) else ".".join(name for name, _ in case)


@pytest.mark.parametrize(("verb", "way"), MAKING, ids=named)
def test_a_parameter_that_makes_something_needs_the_right_to_it(api: Any, verb: Verb, way: Path) -> None:
    path = "/".join("none_1" if part[:1] == "{" else part for part in verb.path.split("/"))
    own, made = NOUNS[verb.path], REGISTRY[WRITES[way[-1][0]].noun].right()
    around = {REGISTRY[WRITES[name].noun].right(): "write" for name, _ in way[:-1] if name in WRITES}
    refused = api.post(path, dict(parts(way)), **restricted(api, **{**around, own: "write"}))
    assert refused.status == 403, refused
    assert f"permissions[{made}]=write" in refused["error"]["message"]
    both = restricted(api, **{**around, own: "write", made: "write", "files": "write"})
    assert api.post(path, dict(parts(way)), **both).status != 403


def test_the_ways_to_make_something_are_found() -> None:
    found = {(verb.path, named(way)) for verb, way in MAKING}
    for one in (
        ("/v1/customers", "invoice_settings.default_payment_method"),
        ("/v1/customers/{id}", "invoice_settings.default_payment_method"),
        ("/v1/charges", "source"),
        ("/v1/subscriptions", "items.price_data"),
        ("/v1/subscriptions", "add_invoice_items.price_data"),
        ("/v1/subscription_items", "price_data"),
        ("/v1/subscription_schedules", "phases.items.price_data"),
        ("/v1/subscription_schedules/{id}", "phases.add_invoice_items.price_data"),
        ("/v1/quotes", "line_items.price_data"),
        ("/v1/invoices/create_preview", "subscription_details.items.price_data"),
        ("/v1/products", "default_price_data"),
    ):
        assert one in found


# ------------------------------------------------------------------------------------- nothing without a rule

HARMLESS = {
    "account": "the acceptance of the account's terms, a part of a person",
    "address_source": "a choice",
    "parameters": "what a report is asked about",
    "subscriptions": "says what Klarna is told of the subscriptions that a payment is for",
    "disputed_transaction": "a part of the evidence of a dispute",
    "allowed_payment_method_types": "settings",
    "automatic_payment_methods": "settings",
    "bank_transfer": "says which account is asked for",
    "business_profile": "a part of the account itself",
    "confirmation_token": "names a token that is there",
    "plan": "of installments: a part of the token itself",
    "cvc_token": "the code of a card that is there",
    "eu_bank_transfer": "says which account is asked for",
    "excluded_payment_method_types": "settings",
    "external_account": "a part of the connected account, with the same right",
    "hosted_payment_method_save": "a setting",
    "invoices": "a setting of the account itself",
    "nz_bank_account": "a part of the payment method itself",
    "payment_data": "terms of a payment",
    "payment_method_configuration": "names a configuration that is there",
    "persistent_token": "a setting",
    "us_bank_account": "a part of the payment method itself",
    "kr_card": "a part of the payment method itself",
    "card": "a part of the token or the payment method itself",
    "add_invoice_items": "the items of the invoice that the subscription makes by itself",
    "discounts": "parts of what they are on; they name a coupon or a code",
    "default_source": "names a card that the customer has",
    "from_invoice": "names an invoice that is there",
    "payment_method_details": "says how a payment was made elsewhere",
    "tax_rate_data": "the tax rate of an amount that is given, which nothing else can use",
    "payment_record_refund": "names a refund that was made elsewhere",
    "refunds": "names refunds that are there",
    "from_quote": "names a quote, of which another quote is made",
    "line_items": "parts of their quote, session or link",
    "invoice_items": "of a preview, which keeps none of them",
    "payment_method_options": "settings",
    "payment_method_types": "settings",
    "marketing_features": "lines of text",
    "active_entitlements": "a component of a page",
    "features": "of a configuration of the portal, or of a component of a page",
    "source_transaction": "names a charge that is there",
    "source_type": "a choice",
    "flow_data": "says what a session of the portal leads to",
    "invoice_data": "terms of the invoice of a session that is paid",
    "missing_payment_method": "a choice",
    "payment_intent_data": "terms of the payment intent of a session",
    "payment_method_allow_redisplay_filters": "a choice",
    "payment_method_collection": "a choice",
    "payment_method_redisplay": "a choice",
    "payment_method_redisplay_limit": "a number",
    "payment_method_remove": "a choice",
    "payment_method_reuse_agreement": "a text on the page",
    "payment_method_save": "a choice",
    "payment_method_save_allow_redisplay_override": "a choice",
    "payment_method_save_usage": "a choice",
    "payment_method_update": "a feature of the portal",
    "prices": "names of prices that credits pay for",
    "products": "names of products, and which of their prices the portal offers",
    "saved_payment_method_options": "choices",
    "setup_intent_data": "terms of the setup intent of a session",
    "save_default_payment_method": "a choice",
    "subscription_data": "terms of the subscription that follows from an accepted quote",
    "tax_ids": "of a preview, which keeps none of them",
    "token": "of a payment method itself",
    "payouts": "settings of an account",
    "transfer_data": "terms of a payment",
    "webhook_endpoint": "the address of the event destination itself",
}
"""Parameters that look as if they made something, and do not; why."""


def suspects(specs: Specs) -> set[str]:
    """Parameters that are called as what makes something: data of a thing, tokens, whole nouns."""
    nouns = {name for cls in REGISTRY.values() for name in (cls.noun, cls.table)}
    found = set()
    for way in nested(specs):
        name, spec = way[-1]
        whole = bool(spec.shape) and (spec.kind == "ref" or any(name.endswith(noun) for noun in nouns))
        card = any(word in name for word in ("source", "token", "payment_method"))
        if name.endswith("_data") or whole or card:
            found.add(name)
    return found


def test_no_parameter_that_may_make_something_is_without_a_rule() -> None:
    found = set().union(*(suspects(taken(verb)) for verb in EVERY))
    assert found - WRITES.keys() - HARMLESS.keys() == set(), "add it to WRITES, or to HARMLESS with a reason"
    assert HARMLESS.keys() <= found - WRITES.keys(), "it is not there any more, or has a rule"


def test_a_new_parameter_without_a_rule_is_found() -> None:
    class Data(Params):
        name: str = f.text()

    class Inner(Params):
        widget_data: Data | None = f.nested(shape=Data)
        bank_token: str | None = f.text()
        product: str | Data | None = f.ref("coupon", shape=Data)
        new_coupon: Data | None = f.nested(shape=Data)
        colour: str | None = f.text()

    class Outer(Params):
        things: list[Inner] | None = f.array(item=Inner)

    assert suspects(params.specs(Outer)) == {"widget_data", "bank_token", "product", "new_coupon"}


# ------------------------------------------------------------------------------------- what was made without


def test_a_right_to_customers_makes_no_card(api: Any) -> None:
    """The name of a test card as the default was a new payment method, for who may write customers only."""
    customer = api.post("/v1/customers")["id"]
    key, default = restricted(api, customers="write"), "invoice_settings[default_payment_method]"
    refused = api.post(f"/v1/customers/{customer}", {default: "pm_card_visa"}, **key)
    assert refused.status == 403 and "permissions[payment_methods]=write" in refused["error"]["message"]
    assert api.get(f"/v1/customers/{customer}/payment_methods")["data"] == []
    card = api.post("/v1/payment_methods/pm_card_visa/attach", {"customer": customer})["id"]
    for given in (card, ""):
        assert api.post(f"/v1/customers/{customer}", {default: given}, **key).status == 200
    both = restricted(api, customers="write", payment_methods="write")
    assert api.post(f"/v1/customers/{customer}", {default: "pm_card_visa"}, **both).status == 200


def test_a_right_to_charges_makes_no_card(api: Any) -> None:
    customer = api.post("/v1/customers", {"source": "tok_visa"})
    key, sent = restricted(api, charges="write"), {"amount": "500", "currency": "usd"}
    refused = api.post("/v1/charges", {**sent, "source": "tok_visa"}, **key)
    assert refused.status == 403 and "permissions[payment_methods]=write" in refused["error"]["message"]
    assert api.post("/v1/charges", {**sent, "source": "tok_visa", "customer": ""}, **key).status == 403
    named = {"customer": customer["id"], "source": customer["default_source"]}
    assert api.post("/v1/charges", {**sent, **named}, **key).status == 200
    both = restricted(api, charges="write", payment_methods="write")
    assert api.post("/v1/charges", {**sent, "source": "tok_visa"}, **both).status == 200


def test_a_right_to_subscriptions_makes_no_price(api: Any) -> None:
    customer = api.post("/v1/customers", {"payment_method": "pm_card_visa"})["id"]
    product = api.post("/v1/products", {"name": "Gold"})["id"]
    price = {"product": product, "currency": "usd", "unit_amount": "500"}
    made = api.post("/v1/prices", {**price, "recurring[interval]": "month"})["id"]
    inline = {f"items[0][price_data][{name}]": value for name, value in price.items()}
    inline["items[0][price_data][recurring][interval]"] = "month"
    key = restricted(api, subscriptions="write")
    sent = {"customer": customer, "payment_behavior": "default_incomplete"}
    refused = api.post("/v1/subscriptions", {**sent, **inline}, **key)
    assert refused.status == 403 and "permissions[prices]=write" in refused["error"]["message"]
    assert api.post("/v1/subscriptions", {**sent, "items[0][price]": made}, **key).status == 200
    both = restricted(api, subscriptions="write", prices="write")
    assert api.post("/v1/subscriptions", {**sent, **inline}, **both).status == 200


def test_notes_may_be_called_anything(api: Any) -> None:
    key = restricted(api, customers="write")
    assert (
        api.post("/v1/customers", {"metadata[source]": "web", "metadata[price_data]": "x"}, **key).status
        == 200
    )


@pytest.mark.parametrize(
    ("path", "sent", "missing"),
    [
        ("/v1/customers", {"balance": "-500"}, "customer_balance_transactions"),
        ("/v1/customers/{customer}", {"balance": "-500"}, "customer_balance_transactions"),
        ("/v1/customers/{customer}/balance_transactions", {"amount": "-5"}, "customer_balance_transactions"),
        ("/v1/customers", {"payment_method": "pm_card_visa"}, "payment_methods"),
        ("/v1/customers/{customer}", {"source": "tok_visa"}, "payment_methods"),
        ("/v1/customers", {"tax_id_data[0][type]": "eu_vat", "tax_id_data[0][value]": "DE1"}, "tax_ids"),
        ("/v1/products", {"name": "Gold", "default_price_data[currency]": "usd"}, "prices"),
        ("/v1/prices", {"currency": "usd", "product_data[name]": "Gold"}, "products"),
        ("/v1/plans", {"currency": "usd", "interval": "month", "product[name]": "Gold"}, "products"),
        ("/v1/files", {"purpose": "logo", "file_link_data[create]": "true"}, "file_links"),
    ],
)
def test_a_parameter_that_writes_another_noun_needs_that_right_too(
    api: Any, path: str, sent: dict[str, str], missing: str
) -> None:
    customer = api.post("/v1/customers")["id"]
    nouns = dict.fromkeys(("customers", "products", "prices", "plans", "files"), "write")
    key = restricted(api, **{noun: right for noun, right in nouns.items() if noun != missing})
    refused = api.post(path.format(customer=customer), sent, **key)
    assert refused.status == 403 and f"permissions[{missing}]=write" in refused["error"]["message"]
    both = restricted(api, **{**nouns, missing: "write"})
    assert api.post(path.format(customer=customer), sent, **both).status != 403


def test_a_product_that_is_named_is_not_written(api: Any) -> None:
    product = api.post("/v1/products", {"name": "Gold"})["id"]
    key = restricted(api, plans="write")
    sent = {"currency": "usd", "interval": "month", "amount": "5", "product": product}
    assert api.post("/v1/plans", sent, **key).status == 200


def test_a_link_is_made_and_prolonged_by_who_may_read_its_file(api: Any) -> None:
    """A link opens the file to everybody who has its address."""
    sent = {"purpose": "dispute_evidence", "file": (BytesIO(b"%PDF-1.7 of Ann"), "a.pdf")}
    file = api.post("/v1/files", sent)["id"]
    link = api.post("/v1/file_links", {"file": file, "expires_at": "4102444800"})["id"]
    key, both = restricted(api, file_links="write"), restricted(api, file_links="write", files="read")
    for path, sent in (("/v1/file_links", {"file": file}), (f"/v1/file_links/{link}", {"expires_at": ""})):
        refused = api.post(path, sent, **key)
        assert refused.status == 403 and "permissions[files]=read" in refused["error"]["message"]
        assert api.post(path, sent, **both).status == 200
    assert api.get(f"/v1/file_links/{link}", **key).status == 200
