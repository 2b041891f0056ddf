"""Can a key do what its permissions allow, and nothing else, on every route?"""

import zlib
from typing import Any

import pytest

from billow import app as application
from billow.api import rights
from billow.api.operation import verbs
from billow.api.resource import REGISTRY, ROUTES, Verb
from billow.store.ids import base62

EVERY = verbs(ROUTES)
NOUNS = rights.nouns(EVERY)


def named(verb: Verb) -> str:
    return f"{verb.method} {verb.path}"


def ask(api: Any, verb: Verb, key: str, query: str = "") -> Any:
    """The bare request: what it lacks is refused later than what its key may not do."""
    path = verb.path
    for name in ("id", "payment_method", *[part[1:-1] for part in path.split("/") if part[:1] == "{"]):
        path = path.replace(f"{{{name}}}", "none_1")
    kind = "application/json" if path.startswith("/v2/") else "application/x-www-form-urlencoded"
    body = {"content_type": kind, "data": b"" if "form" in kind else b"{}"}
    asked = {"query_string": query, **(body if verb.method == "POST" else {})}
    version = {"Stripe-Version": verb.until} if verb.until else {}
    return api.ask(verb.method, path, headers={"Authorization": f"Bearer {key}", **version}, **asked)


def restricted(api: Any, **permissions: str) -> str:
    sent = {f"permissions[{noun}]": right for noun, right in permissions.items()}
    made = api.post("/v1/api_keys", {"kind": "restricted", **sent})
    assert made.status == 200, made
    return str(made["secret"])


@pytest.fixture(scope="module")
def keys(app: Any) -> dict[str, Any]:
    """One account's keys of every kind: restricted to nothing, to read all, to write all."""
    from tests.conftest import new_caller

    api = new_caller(app)
    grantable = set(NOUNS.values()) - rights.KEYS
    return {
        "api": api,
        "secret": api.key,
        "publishable": api.post("/v1/api_keys", {"kind": "publishable"})["secret"],
        "none": app.keys.create(api.tenant, "restricted", now=app.db.wall()),
        "read": restricted(api, **dict.fromkeys(grantable, "read")),
        "write": restricted(api, **dict.fromkeys(grantable, "write")),
    }


def judged(answer: Any) -> str:
    if answer.status == 401:
        assert answer["error"]["code"] == "secret_key_required"
    if answer.get("error", {}).get("code") == "account_invalid":
        return "let in"  # the id in the path is none that anybody has
    if answer.status == 403:
        assert answer["error"]["type"] == "invalid_request_error"
        assert "does not have the required permissions" in answer["error"]["message"]
    return {401: "secret only", 403: "refused"}.get(answer.status, "let in")


@pytest.mark.parametrize("verb", EVERY, ids=named)
def test_each_kind_of_key_is_let_in_where_it_may(keys: dict[str, Any], verb: Verb) -> None:
    found = {kind: judged(ask(keys["api"], verb, key)) for kind, key in keys.items() if kind != "api"}
    own, reads = NOUNS[verb.path] in rights.KEYS, verb.method == "GET"
    assert found == {
        "secret": "let in",
        "publishable": "let in"
        if verb.kind in ("create", "route") and verb.run in rights.BROWSER
        else "secret only",
        "none": "refused",
        "read": "let in" if reads and not own else "refused",
        "write": "refused" if own else "let in",
    }


@pytest.mark.parametrize("noun", sorted(set(NOUNS.values()) - rights.KEYS))
def test_a_right_to_one_noun_opens_no_other(keys: dict[str, Any], noun: str) -> None:
    key = restricted(keys["api"], **{noun: "write"})
    for verb in EVERY:
        if verb.method == "GET":
            wanted = "let in" if NOUNS[verb.path] == noun else "refused"
            assert judged(ask(keys["api"], verb, key)) == wanted, named(verb)


def test_what_is_expanded_must_be_readable(api: Any) -> None:
    product = api.post("/v1/products", {"name": "Gold"})["id"]
    price = {"product": product, "currency": "usd", "unit_amount": "1"}
    made = api.post("/v1/prices", price)["id"]
    one, both = restricted(api, prices="read"), restricted(api, prices="read", products="read")
    for path, query in ((f"/v1/prices/{made}", "product"), ("/v1/prices", "data.product")):
        asked = {"expand[]": query}
        assert api.get(path, Authorization=f"Bearer {one}").status == 200
        refused = api.get(path, asked, Authorization=f"Bearer {one}")
        assert refused.status == 403 and "permissions[products]=read" in refused["error"]["message"]
        assert api.get(path, asked, Authorization=f"Bearer {both}").status == 200


def test_a_browser_pays_with_a_client_secret_and_sees_no_notes(api: Any) -> None:
    customer = api.post("/v1/customers", {"name": "Ann", "payment_method": "pm_card_visa"})["id"]
    sent = {"amount": "500", "currency": "usd", "customer": customer, "metadata[margin]": "high"}
    intent = api.post("/v1/payment_intents", sent)
    pk = {"Authorization": "Bearer " + api.post("/v1/api_keys", {"kind": "publishable"})["secret"]}
    path, secret = f"/v1/payment_intents/{intent['id']}", {"client_secret": intent["client_secret"]}
    assert api.get(path, **pk).status == 401
    wrong = api.get(path, {"client_secret": "guess"}, **pk)
    assert (wrong.status, wrong["error"]["param"]) == (400, "client_secret")
    seen = api.get(path, secret, **pk)
    assert seen["amount"] == 500 and "metadata" not in seen and "customer" not in seen
    assert api.get(path, {**secret, "expand[]": "customer"}, **pk).status == 401
    assert api.post(f"{path}/confirm", {"client_secret": "guess"}, **pk).status == 400
    method = {"type": "card", "card[token]": "tok_visa"}
    made = api.post("/v1/payment_methods", method, **pk)
    assert made.status == 200
    paid = api.post(f"{path}/confirm", {**secret, "payment_method": made["id"]}, **pk)
    assert paid["status"] == "succeeded" and "metadata" not in paid


def test_a_browser_that_is_declined_sees_no_notes_either(api: Any) -> None:
    customer = api.post("/v1/customers", {"payment_method": "pm_card_chargeCustomerFail"})["id"]
    sent = {"amount": "500", "currency": "usd", "customer": customer, "metadata[margin]": "high"}
    method = api.get(f"/v1/customers/{customer}/payment_methods")["data"][0]["id"]
    intent = api.post("/v1/payment_intents", {**sent, "payment_method": method})
    pk = {"Authorization": "Bearer " + api.post("/v1/api_keys", {"kind": "publishable"})["secret"]}
    secret = {"client_secret": intent["client_secret"]}
    declined = api.post(f"/v1/payment_intents/{intent['id']}/confirm", secret, **pk)
    assert declined.status == 402 and declined["error"]["payment_intent"]["id"] == intent["id"]
    assert "margin" not in str(declined)


def test_a_browser_cannot_pay_with_another_customers_card(api: Any) -> None:
    customers = [api.post("/v1/customers", {"payment_method": "pm_card_visa"})["id"] for _ in range(2)]
    theirs = api.get(f"/v1/customers/{customers[1]}/payment_methods")["data"][0]["id"]
    sent = {"amount": "500", "currency": "usd", "customer": customers[0]}
    intent = api.post("/v1/payment_intents", sent)
    answer = api.post(f"/v1/payment_intents/{intent['id']}/confirm", {"payment_method": theirs})
    assert (answer.status, answer["error"]["param"]) == (400, "payment_method")


# ------------------------------------------------------------------------------------- the keys themselves


def test_a_key_is_shown_once_and_checks_itself(api: Any) -> None:
    made = api.post("/v1/api_keys", {"name": "shop"})
    secret = made["secret"]
    assert secret.startswith("sk_test_") and base62(zlib.crc32(secret[:-6].encode()), 6) == secret[-6:]
    seen = api.get(f"/v1/api_keys/{made['id']}")
    assert seen["name"] == "shop" and seen["hint"].endswith(secret[-4:])
    assert not {"secret", "digest"} & set(seen) and secret not in str(seen)
    assert api.get("/v1/customers", Authorization=f"Bearer {secret}").status == 200


def test_a_rolled_key_works_until_its_overlap_ends(
    app: Any, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    old = api.post("/v1/api_keys", {"name": "shop"})
    new = api.post(f"/v1/api_keys/{old['id']}/roll", {"expires_in": "60"})
    assert new["id"] != old["id"] and new["name"] == "shop"
    for key in (old, new):
        assert api.get("/v1/customers", Authorization=f"Bearer {key['secret']}").status == 200
    late = app.db.wall() + timedelta(seconds=61)
    with monkeypatch.context() as patched:
        patched.setattr(app.db, "wall", lambda: late)
        gone = api.get("/v1/customers", Authorization=f"Bearer {old['secret']}")
        assert (gone.status, gone["error"]["code"]) == (401, "api_key_expired")
        assert api.get("/v1/customers", Authorization=f"Bearer {new['secret']}").status == 200
        assert api.post(f"/v1/api_keys/{old['id']}/roll").status == 400
    assert api.post(f"/v1/api_keys/{new['id']}/roll", {"expires_in": "9999999"}).status == 400


def test_a_deleted_key_is_unknown(api: Any) -> None:
    made = api.post("/v1/api_keys")
    assert api.delete(f"/v1/api_keys/{made['id']}")["deleted"] is True
    assert api.get("/v1/customers", Authorization=f"Bearer {made['secret']}").status == 401


def test_when_a_key_was_last_used_is_known_to_the_minute(
    app: Any, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    from billow.store import keys

    monkeypatch.setattr(keys, "REMEMBER", 0)
    made = api.post("/v1/api_keys")
    assert made["last_used_at"] is None
    start, seen = app.db.wall(), []
    for passed in (0, 30, 59, 61):
        with monkeypatch.context() as patched:
            patched.setattr(app.db, "wall", lambda passed=passed: start + timedelta(seconds=passed))
            api.get("/v1/customers", Authorization=f"Bearer {made['secret']}")
        seen.append(api.get(f"/v1/api_keys/{made['id']}")["last_used_at"] - int(start.timestamp()))
    assert seen == [0, 0, 0, 61]


def test_keys_of_others_are_neither_seen_nor_touched(api: Any, other: Any) -> None:
    made = api.post("/v1/api_keys")["id"]
    assert made not in [key["id"] for key in other.get("/v1/api_keys")["data"]]
    assert {key["kind"] for key in other.get("/v1/api_keys")["data"]} == {"secret"}
    assert other.get(f"/v1/api_keys/{made}").status == 404
    assert other.post(f"/v1/api_keys/{made}/roll").status == 404
    assert other.delete(f"/v1/api_keys/{made}").status == 404


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ({"kind": "restricted", "permissions[dragons]": "read"}, "permissions[dragons]"),
        ({"kind": "restricted", "permissions[customers]": "all"}, "permissions[customers]"),
        ({"kind": "restricted", "permissions[api_keys]": "write"}, "permissions[api_keys]"),
        ({"kind": "secret", "permissions[customers]": "read"}, "permissions"),
        ({"kind": "golden"}, "kind"),
        ({"kind": "restricted"}, "permissions"),
        ({"kind": "restricted", "permissions[customers]": "none"}, "permissions"),
    ],
)
def test_a_key_that_cannot_be_is_refused(api: Any, sent: dict[str, str], param: str) -> None:
    answer = api.post("/v1/api_keys", sent)
    assert (answer.status, answer["error"]["param"]) == (400, param)


def test_rights_are_named_after_the_collections() -> None:
    assert NOUNS["/v1/billing/meters/{id}/deactivate"] == "billing_meters"
    assert (
        NOUNS["/v1/billing/meter_events/bulk"] == NOUNS["/v2/billing/meter_events"] == "billing_meter_events"
    )
    assert application.ROUTES is ROUTES


BELOW = {
    "/v1/accounts/{account}/capabilities": "accounts",
    "/v1/accounts/{account}/capabilities/{capability}": "accounts",
    "/v1/accounts/{account}/external_accounts": "accounts",
    "/v1/accounts/{id}/capabilities/{capability}": "accounts",
    "/v1/accounts/{id}/persons": "accounts",
    "/v1/accounts/{id}/persons/{person}": "accounts",
    "/v1/billing/meters/{id}/event_summaries": "billing_meter_event_summaries",
    "/v1/billing/wallets/{id}/balance": "billing_wallets",
    "/v1/payment_intents/{id}/amount_details_line_items": "payment_intents",
    "/v1/charges/{id}/refunds": "refunds",
    "/v1/credit_notes/{id}/lines": "credit_notes",
    "/v1/charges/{id}/refunds/{refund}": "refunds",
    "/v1/customers/{id}/balance_transactions": "customer_balance_transactions",
    "/v1/customers/{id}/balance_transactions/{transaction}": "customer_balance_transactions",
    "/v1/customers/{id}/cash_balance": "cash_balance_transactions",
    "/v1/customers/{id}/cash_balance_transactions": "cash_balance_transactions",
    "/v1/customers/{id}/cash_balance_transactions/{transaction}": "cash_balance_transactions",
    "/v1/customers/{id}/funding_instructions": "cash_balance_transactions",
    "/v1/customers/{id}/cards": "payment_methods",
    "/v1/customers/{id}/cards/{card}": "payment_methods",
    "/v1/checkout/sessions/{id}/line_items": "checkout_sessions",
    "/v1/customers/{id}/discount": "customers",
    "/v1/customers/{id}/payment_methods": "payment_methods",
    "/v1/customers/{id}/payment_methods/{payment_method}": "payment_methods",
    "/v1/customers/{id}/sources": "payment_methods",
    "/v1/customers/{id}/sources/{card}": "payment_methods",
    "/v1/customers/{id}/tax_ids": "tax_ids",
    "/v1/accounts/{id}/external_accounts": "accounts",
    "/v1/accounts/{id}/external_accounts/{bank_account}": "accounts",
    "/v1/accounts/{id}/login_links": "accounts",
    "/v1/customers/{id}/tax_ids/{tax_id}": "tax_ids",
    "/v1/files/{id}/contents": "files",
    "/v1/invoice_rendering_templates/{id}/looks": "invoice_rendering_templates",
    "/v1/invoices/{id}/add_lines": "invoices",
    "/v1/invoices/{id}/lines": "invoices",
    "/v1/invoices/{id}/remove_lines": "invoices",
    "/v1/invoices/{id}/update_lines": "invoices",
    "/v1/invoices/{id}/lines/{line_item}": "invoices",
    "/v1/payment_intents/{id}/verify_microdeposits": "payment_intents",
    "/v1/payment_links/{id}/line_items": "payment_links",
    "/v1/application_fees/{id}/refunds": "fee_refunds",
    "/v1/application_fees/{id}/refunds/{fee_refund}": "fee_refunds",
    "/v1/transfers/{id}/reversals": "transfer_reversals",
    "/v1/transfers/{id}/reversals/{transfer_reversal}": "transfer_reversals",
    "/v1/products/{id}/features": "products",
    "/v1/products/{id}/features/{feature}": "products",
    "/v1/quotes/{id}/computed_upfront_line_items": "quotes",
    "/v1/quotes/{id}/line_items": "quotes",
    "/v1/quotes/{id}/pdf": "quotes",
    "/v1/setup_intents/{id}/verify_microdeposits": "setup_intents",
    "/v1/subscription_items/{id}/usage_record_summaries": "billing_meter_event_summaries",
    "/v1/subscription_items/{id}/usage_records": "billing_meter_events",
    "/v1/subscriptions/{id}/discount": "subscriptions",
    "/v1/tax/calculations/{id}/line_items": "tax_calculations",
    "/v1/tax/transactions/{id}/line_items": "tax_transactions",
    "/v1/webhook_endpoints/{id}/deliveries": "webhook_endpoints",
}
"""Whose right opens what lies below another noun's path; a part of a thing belongs to the thing."""


def below(verb: Verb) -> bool:
    """Whether a path goes on after an id, and not with the name of something that is done to the thing."""
    tail = verb.path.partition("}/")[2]
    return bool(tail) and (
        verb.method != "POST" or "{" in tail or tail.endswith("s") or tail == "cash_balance"
    )


def test_what_lies_below_another_noun_says_whose_it_is() -> None:
    assert {verb.path: NOUNS[verb.path] for verb in EVERY if below(verb)} == BELOW
    collections = {cls.path.rpartition("/")[2]: cls.right() for cls in REGISTRY.values() if cls.path}
    named = {path: [part for part in path.split("/")[4:] if part in collections] for path in BELOW}
    borrowed = {path: collections[parts[0]] for path, parts in named.items() if parts}
    ours = {"balance_transactions": "customer_balance_transactions", "features": "products"}
    for path, noun in borrowed.items():
        of_a_fee = path.startswith("/v1/application_fees/")
        assert BELOW[path] == ("fee_refunds" if of_a_fee else ours.get(path.split("/")[4], noun))


def test_every_noun_has_one_right_at_all_its_paths() -> None:
    """Reading, writing and doing something with a thing need the right to the thing, from wherever."""
    for verb in EVERY:
        if verb.resource and not below(verb):
            assert NOUNS[verb.path] == verb.resource.right(), named(verb)


def test_a_right_to_customers_does_not_show_their_cards_or_credit(api: Any) -> None:
    customer = api.post("/v1/customers", {"payment_method": "pm_card_visa", "balance": "-500"})["id"]
    key = {"Authorization": f"Bearer {restricted(api, customers='write')}"}
    for tail in ("payment_methods", "balance_transactions", "tax_ids", "sources", "cards"):
        assert api.get(f"/v1/customers/{customer}/{tail}", **key).status == 403
    for expand in ("tax_ids", "sources", "default_source"):
        assert api.get(f"/v1/customers/{customer}", {"expand[]": expand}, **key).status == 403
    assert api.get(f"/v1/customers/{customer}", **key).status == 200


def test_rows_below_a_noun_are_expanded_with_their_own_rights_only(api: Any) -> None:
    """The lines of an invoice name nouns that the invoice does not, which any key was shown."""
    customer = api.post("/v1/customers", {"name": "Ann", "email": "ann@example.com"})["id"]
    invoice = api.post("/v1/invoices", {"customer": customer})["id"]
    lines = f"/v1/invoices/{invoice}/lines"
    for permissions, path, expand in (
        ({"invoices": "read"}, lines, "data.subscription.customer"),
        ({"invoices": "read", "subscriptions": "read"}, lines, "data.subscription.customer"),
        ({"quotes": "read"}, "/v1/quotes/qt_none/line_items", "data.price.product"),
        ({"ledger_transfers": "read"}, "/v1/ledger_transfers", "data.line"),
    ):
        key = restricted(api, **permissions)
        answer = api.get(path, {"expand[]": expand}, Authorization=f"Bearer {key}")
        assert answer.status == 403, (permissions, path, expand, answer)
    key = restricted(api, invoices="read", subscriptions="read", customers="read")
    assert (
        api.get(lines, {"expand[]": "data.subscription.customer"}, Authorization=f"Bearer {key}").status
        == 200
    )
