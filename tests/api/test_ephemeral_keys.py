"""Does an ephemeral key reach one customer and its payment methods, for an hour, and nothing else?"""

from dataclasses import replace
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from billow.api import confined
from billow.api.operation import verbs
from billow.api.resource import ROUTES
from billow.api.versions.known import NEWEST
from billow.app import App
from tests.conftest import Api

KEYS = "/v1/ephemeral_keys"


@pytest.fixture
def ann(api: Api) -> dict[str, str]:
    made = api.post("/v1/customers", {"name": "Ann", "payment_method": "pm_card_visa"})["id"]
    [method] = api.get(f"/v1/customers/{made}/payment_methods")["data"]
    return {"id": made, "method": method["id"]}


@pytest.fixture
def bob(api: Api) -> dict[str, str]:
    made = api.post("/v1/customers", {"name": "Bob", "payment_method": "pm_card_visa"})["id"]
    [method] = api.get(f"/v1/customers/{made}/payment_methods")["data"]
    return {"id": made, "method": method["id"]}


def key_to(api: Api, customer: str) -> tuple[Api, Any]:
    made = api.post(KEYS, {"customer": customer}, Stripe_Version=NEWEST)
    assert made.status == 200, made
    return Api(api.app, made["secret"], api.tenant), made


def refused(answer: Any) -> bool:
    return answer.status == 403 and "ephemeral key" in answer["error"]["message"]


def test_a_key_is_made_for_a_customer_with_a_version(
    api: Api, ann: dict[str, str], contract: ModuleType
) -> None:
    assert api.post(KEYS, Stripe_Version=NEWEST)["error"]["code"] == "parameter_missing"
    assert "Stripe-Version" in api.post(KEYS, {"customer": ann["id"]})["error"]["message"]
    nobody = api.post(KEYS, {"customer": "cus_none"}, Stripe_Version=NEWEST)["error"]
    assert (nobody["code"], nobody["param"]) == ("resource_missing", "customer")
    _, made = key_to(api, ann["id"])
    assert made["secret"].startswith("ek_test_") and made["expires"] == made["created"] + 3600
    assert contract.problems(made) == []
    with api.app.db.transaction(api.tenant) as tx:
        [row] = tx.all("select * from ephemeral_keys")
    assert made["secret"] not in str(row) and len(row["digest"]) == 64
    deleted = api.delete(f"{KEYS}/{made['id']}")
    assert (deleted["id"], deleted["secret"]) == (made["id"], None) and contract.problems(deleted) == []
    assert api.delete(f"{KEYS}/{made['id']}")["error"]["code"] == "resource_missing"


def test_its_customer_and_their_methods_are_read_and_changed(api: Api, ann: dict[str, str]) -> None:
    app, _ = key_to(api, ann["id"])
    path = f"/v1/customers/{ann['id']}"
    assert app.get(path)["name"] == "Ann"
    assert app.post(path, {"name": "Anna", "shipping[name]": "A", "shipping[address][city]": "Bern"})["name"]
    assert [one["id"] for one in app.get(f"{path}/payment_methods")["data"]] == [ann["method"]]
    assert app.get(f"{path}/payment_methods/{ann['method']}").status == 200
    assert len(app.get("/v1/payment_methods", {"customer": ann["id"]})["data"]) == 1
    assert app.get(f"/v1/payment_methods/{ann['method']}")["customer"] == ann["id"]
    made = app.post("/v1/payment_methods", {"type": "card", "card[token]": "tok_mastercard"})["id"]
    attached = app.post(f"/v1/payment_methods/{made}/attach", {"customer": ann["id"]})
    assert attached["customer"] == ann["id"]
    settings = {"invoice_settings[default_payment_method]": made}
    assert app.post(path, settings)["invoice_settings"]["default_payment_method"] == made
    assert app.post(f"/v1/payment_methods/{made}", {"billing_details[name]": "Anna"}).status == 200
    assert app.post(f"/v1/payment_methods/{made}/detach")["customer"] is None


def test_another_customer_is_refused_wherever_one_is_named(
    api: Api, ann: dict[str, str], bob: dict[str, str]
) -> None:
    app, _ = key_to(api, ann["id"])
    loose = api.post("/v1/payment_methods", {"type": "card", "card[token]": "tok_visa"})["id"]
    his = f"/v1/customers/{bob['id']}"
    tried = [
        app.get(his),
        app.post(his, {"name": "Mallory"}),
        app.get(f"{his}/payment_methods"),
        app.get(f"{his}/payment_methods/{bob['method']}"),
        app.get("/v1/payment_methods"),
        app.get("/v1/payment_methods", {"customer": bob["id"]}),
        app.get("/v1/payment_methods", {"customer[0]": ann["id"], "customer[1]": bob["id"]}),
        app.get(f"/v1/payment_methods/{bob['method']}"),
        app.get(f"/v1/payment_methods/{loose}"),
        app.get("/v1/payment_methods/pm_none"),
        app.post(f"/v1/payment_methods/{bob['method']}", {"billing_details[name]": "Mallory"}),
        app.post(f"/v1/payment_methods/{bob['method']}/detach"),
        app.post(f"/v1/payment_methods/{loose}/attach", {"customer": bob["id"]}),
        app.post(f"/v1/payment_methods/{loose}/attach"),
    ]
    assert [place for place, answer in enumerate(tried) if not refused(answer)] == []
    hers = f"/v1/customers/{ann['id']}/payment_methods/{bob['method']}"
    assert app.get(hers).status == 404
    assert app.post(f"/v1/payment_methods/{bob['method']}/attach", {"customer": ann["id"]}).status == 400
    assert api.get(his)["name"] == "Bob" and api.get(f"{his}/payment_methods")["data"] != []


@pytest.mark.parametrize(
    "sent",
    [
        {"balance": "-5000"},
        {"tax_exempt": "exempt"},
        {"metadata[vip]": "1"},
        {"cash_balance[settings][reconciliation_mode]": "manual"},
        {"invoice_settings[footer]": "x"},
        {"invoice_settings[default_payment_method]": "pm_1", "invoice_settings[footer]": "x"},
        {"expand[]": "subscriptions"},
        {"name": "Ann", "coupon": "half"},
    ],
)
def test_what_the_seller_decides_of_a_customer_is_refused(
    api: Api, ann: dict[str, str], sent: dict[str, str]
) -> None:
    app, _ = key_to(api, ann["id"])
    assert refused(app.post(f"/v1/customers/{ann['id']}", sent))


def test_every_other_operation_is_refused(api: Api, ann: dict[str, str]) -> None:
    app, _ = key_to(api, ann["id"])
    others = [verb for verb in verbs(ROUTES) if f"{verb.method} {verb.path}" not in confined.OPEN]
    assert len(others) > 400 and len(confined.OPEN) == 10
    key = app.app.keys.recognise(f"Bearer {app.key}")
    tried = 0
    for verb in others:
        with pytest.raises(Exception, match="ephemeral key"):
            confined.check_operation(key, verb, {}, {})
        if verb.method == "GET" and verb.path.count("{") == 0 and not verb.until and tried < 40:
            tried += 1
            assert refused(app.get(verb.path)), verb.path
    assert tried == 40
    assert refused(app.post("/v1/charges", {"amount": "100", "currency": "usd", "customer": ann["id"]}))
    assert refused(app.delete(f"/v1/customers/{ann['id']}"))
    assert refused(app.post(KEYS, {"customer": ann["id"]}, Stripe_Version=NEWEST))
    assert refused(app.post("/v1/api_keys", {"kind": "secret"}))
    assert refused(app.post("/v1/payment_methods", {"customer": ann["id"], "payment_method": ann["method"]}))


def test_expansions_and_other_accounts_are_refused(api: Api, ann: dict[str, str]) -> None:
    app, _ = key_to(api, ann["id"])
    assert refused(app.get(f"/v1/customers/{ann['id']}", {"expand[]": "subscriptions"}))
    assert app.get(f"/v1/customers/{ann['id']}", Stripe_Account="acct_other").status == 403


def test_an_answer_to_another_key_is_not_replayed(api: Api, ann: dict[str, str]) -> None:
    app, _ = key_to(api, ann["id"])
    sent = {"type": "card", "card[token]": "tok_visa"}
    api.post("/v1/payment_methods", sent, Idempotency_Key="same")
    assert (
        app.post("/v1/payment_methods", sent, Idempotency_Key="same")["error"]["type"] == "idempotency_error"
    )


def test_a_key_ends_after_an_hour_and_when_it_is_deleted(
    api: Api, ann: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, made = key_to(api, ann["id"])
    path = f"/v1/customers/{ann['id']}"
    assert app.get(path).status == 200
    keys = api.app.keys
    known = keys.recognise(f"Bearer {app.key}")
    past = replace(known, expires_at=api.app.db.wall() - timedelta(seconds=1))
    with pytest.raises(Exception, match="Expired API Key"):
        keys.usable(app.key, past)
    api.delete(f"{KEYS}/{made['id']}")
    keys._seen.clear()
    assert app.get(path).status == 401


@pytest.mark.parametrize("kind", ["restricted", "publishable"])
def test_only_a_secret_key_makes_ephemeral_keys(api: Api, ann: dict[str, str], kind: str) -> None:
    rights = {"permissions[customers]": "write"} if kind == "restricted" else {}
    secret = api.post("/v1/api_keys", {"kind": kind, **rights})["secret"]
    answer = Api(api.app, secret, api.tenant).post(KEYS, {"customer": ann["id"]}, Stripe_Version=NEWEST)
    assert answer.status in (401, 403)
    wish = api.post("/v1/api_keys", {"kind": "restricted", "permissions[ephemeral_keys]": "write"})
    assert wish["error"]["param"] == "permissions[ephemeral_keys]"


@pytest.mark.parametrize("path", ["/v1/ephemeral_keys", "/v1/webhook_endpoints"])
def test_an_answer_that_is_given_again_keeps_its_secret_to_itself(
    api: Api, app: App, ann: dict[str, str], path: str
) -> None:
    """The answer is given again byte for byte, and the database has no secret that it shows."""
    sent = (
        {"customer": ann["id"]} if "keys" in path else {"url": "https://a.example", "enabled_events[]": "*"}
    )
    headers = {"Idempotency_Key": "once", "Stripe_Version": NEWEST}
    first, again = (api.post(path, sent, **headers) for _ in range(2))
    assert first["secret"] == again["secret"] and first["id"] == again["id"]
    with app.db.transaction(api.tenant, reads=True) as tx:
        [(body,)] = tx.tuples("select body from idempotency_keys where key = 'once'")
    assert first["secret"].encode() not in bytes(body) and bytes(body).startswith(b"sealed ")
