"""Is every caller authenticated, and does an unauthenticated one learn nothing?"""

import base64
from datetime import timedelta
from typing import Any

import pytest


def test_a_key_is_taken_as_bearer_and_as_basic(api: Any) -> None:
    basic = base64.b64encode(f"{api.key}:".encode()).decode()
    assert api.get("/v1/customers", Authorization=f"Bearer {api.key}").status == 200
    assert api.get("/v1/customers", Authorization=f"Basic {basic}").status == 200


@pytest.mark.parametrize("header", ["", "Bearer ", "Basic !!", "Digest x", "Basic /w=="])
def test_no_key_is_401_without_a_code(api: Any, header: str) -> None:
    answer = api.get("/v1/customers", Authorization=header)
    assert answer.status == 401
    assert answer["error"]["message"].startswith("You did not provide an API key.")
    assert set(answer["error"]) == {"type", "message"}


def test_an_unknown_key_is_shown_masked(api: Any) -> None:
    answer = api.get("/v1/customers", Authorization="Bearer sk_test_abcdefghijklmnop1234")
    assert (answer.status, answer["error"]["type"]) == (401, "invalid_request_error")
    assert answer["error"]["message"] == "Invalid API Key provided: sk_test_****************1234"


def test_an_expired_key_is_refused(app: Any, api: Any) -> None:
    with app.db.connection() as conn:
        conn.execute(
            "update api_keys set expires_at = %s where tenant = %s",
            (app.db.wall() - timedelta(seconds=1), api.tenant),
        )
    answer = api.get("/v1/customers")
    assert (answer.status, answer["error"]["code"]) == (401, "api_key_expired")
    assert "****" in answer["error"]["message"]


def test_a_publishable_key_opens_nothing(app: Any, api: Any) -> None:
    key = app.keys.create(api.tenant, "publishable", now=app.db.wall())
    assert key.startswith("pk_test_")
    answer = api.get("/v1/customers", Authorization=f"Bearer {key}")
    assert (answer.status, answer["error"]["code"]) == (401, "secret_key_required")


def test_keys_are_kept_as_hashes_only(app: Any, api: Any) -> None:
    with app.db.connection() as conn:
        row = conn.execute("select * from api_keys where tenant = %s", (api.tenant,)).fetchone()
    assert api.key not in str(row) and api.key[12:] not in str(row)


def test_an_unknown_url_is_404_for_who_is_known(api: Any) -> None:
    answer = api.get("/v1/nothing")
    assert (answer.status, answer["error"]["type"]) == (404, "invalid_request_error")
    assert answer["error"]["message"].startswith("Unrecognized request URL (GET: /v1/nothing).")
    assert "code" not in answer["error"]
    assert api.get("/v1/nothing", Authorization="").status == 401
    wrong = api.delete("/v1/products")
    assert wrong.status == 404 and "(DELETE: /v1/products)" in wrong["error"]["message"]


def test_every_answer_carries_its_request_and_the_version(api: Any) -> None:
    for answer in (api.get("/v1/customers"), api.get("/v1/customers/cus_none"), api.get("/v1/nothing")):
        assert answer.headers["Request-Id"].startswith("req_")
        assert answer.headers["Stripe-Version"] == "2026-10-28.endive"
        assert answer.headers["Content-Type"] == "application/json"


def test_another_account_may_be_named_only_if_it_is_ones_own(api: Any, other: Any) -> None:
    assert api.get("/v1/customers", Stripe_Account=api.account).status == 200
    answer = api.get("/v1/customers", Stripe_Account=other.account)
    assert (answer.status, answer["error"]["code"]) == (403, "account_invalid")


@pytest.mark.parametrize("header", ["Stripe_Account", "Stripe_Context"])
@pytest.mark.parametrize("given", ["", "acct_é", "acct_of_nobody"])
def test_an_account_that_is_named_is_never_passed_over(api: Any, header: str, given: str) -> None:
    answer = api.post("/v1/customers", {"name": "Ann"}, **{header: given})
    assert (answer.status, answer["error"]["code"]) == (403, "account_invalid")
    assert api.get("/v1/customers", **{header: api.account})["data"] == []


@pytest.mark.parametrize("given", ["", "Basic ä", "Bearer ä", "Bearer ", "ä", "Basic !"])
def test_an_authorization_without_a_key_is_refused(api: Any, given: str) -> None:
    assert api.get("/v1/customers", Authorization=given).status == 401


def test_what_nobody_foresaw_is_500_and_leaves_nothing(
    api: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from billow.store import outbox

    def broken(*args: Any) -> None:
        raise ZeroDivisionError("the secret of the house")

    with monkeypatch.context() as patched:
        patched.setattr(outbox, "write", broken)
        answer = api.post("/v1/customers", {"name": "Ann"})
    assert (answer.status, answer["error"]["type"]) == (500, "api_error")
    assert "secret of the house" not in str(answer)
    assert "secret of the house" in caplog.text and answer.headers["Request-Id"] in caplog.text
    assert api.get("/v1/customers")["data"] == []


def test_health_and_readiness_need_no_key(api: Any) -> None:
    assert api.get("/healthz", Authorization="").status == 200
    assert api.get("/readyz", Authorization="") == {"status": "ready", "waiting": []}
