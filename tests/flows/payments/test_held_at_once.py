"""Is what a card holds captured or let go, where both are asked for at once, and never both?"""

from typing import Any

import pytest

from billow.flows.payments import collect
from tests.conftest import Api
from tests.support.invariants import check_all


def held(api: Api) -> dict[str, Any]:
    sent = {"amount": 1000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}
    intent = api.post("/v1/payment_intents", {**sent, "capture_method": "manual"})
    assert intent["status"] == "requires_capture"
    return intent


def meanwhile(monkeypatch: pytest.MonkeyPatch, kind: str, ask: Any) -> list[Any]:
    """Send another request while the gateway works on an attempt of a kind."""
    answers: list[Any] = []
    usual = collect.carry_out

    def slow(gateway: Any, attempt: Any) -> Any:
        if attempt.kind == kind and not answers:
            answers.append(None)
            answers[:] = [ask()]
        return usual(gateway, attempt)

    monkeypatch.setattr(collect, "carry_out", slow)
    return answers


def refunded(api: Api, intent: str) -> list[int]:
    return [one["amount"] for one in api.get("/v1/refunds", {"payment_intent": intent})["data"]]


@pytest.mark.parametrize("amount", [1000, 300])
def test_what_is_being_captured_is_not_let_go(api: Api, monkeypatch: pytest.MonkeyPatch, amount: int) -> None:
    path = f"/v1/payment_intents/{held(api)['id']}"
    answers = meanwhile(monkeypatch, "capture", lambda: api.post(f"{path}/cancel"))
    captured = api.post(f"{path}/capture", {"amount_to_capture": amount})
    assert (captured["status"], captured["amount_received"]) == ("succeeded", amount)
    assert (answers[0].status, answers[0]["error"]["code"]) == (429, "lock_timeout")
    assert refunded(api, captured["id"]) == []
    check_all(api.app.db, api.tenant)


def test_what_is_being_let_go_is_not_captured(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/v1/payment_intents/{held(api)['id']}"
    answers = meanwhile(monkeypatch, "refund", lambda: api.post(f"{path}/capture"))
    assert api.post(f"{path}/cancel")["status"] == "canceled"
    assert (answers[0].status, answers[0]["error"]["code"]) == (429, "lock_timeout")
    assert api.get(path)["amount_received"] == 0
    check_all(api.app.db, api.tenant)


def test_a_capture_of_another_amount_is_not_answered_with_the_first(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/v1/payment_intents/{held(api)['id']}"
    other = {"amount_to_capture": 200}
    answers = meanwhile(monkeypatch, "capture", lambda: api.post(f"{path}/capture", other))
    assert api.post(f"{path}/capture", {"amount_to_capture": 300})["amount_received"] == 300
    assert answers[0].status == 429
    again = api.post(f"{path}/capture", other)
    assert (again.status, again["error"]["code"]) == (400, "payment_intent_unexpected_state")
    check_all(api.app.db, api.tenant)


def test_a_hold_that_is_being_captured_does_not_expire(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    intent = held(api)
    charge = intent["latest_charge"]
    answers = meanwhile(monkeypatch, "capture", lambda: api.post("/v1/refunds", {"charge": charge}))
    assert api.post(f"/v1/payment_intents/{intent['id']}/capture")["amount_received"] == 1000
    assert answers[0].status == 429 and refunded(api, intent["id"]) == []
    check_all(api.app.db, api.tenant)
