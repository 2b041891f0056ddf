"""Is a hold captured in parts, raised, exceeded and kept for longer where its card allows it?"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from billow.core.payments import Declined
from billow.gateway_check import Compared, compare
from tests.conftest import Api
from tests.flows.payments.test_charges import advance
from tests.flows.payments.test_held_at_once import meanwhile
from tests.flows.payments.test_intents import act
from tests.support.connected import enabled
from tests.support.invariants import check_all

PATH = "/v1/payment_intents"
UNEXPECTED = "payment_intent_unexpected_state"
ALL = ("extended_authorization", "incremental_authorization", "multicapture", "overcapture")


def held(api: Api, *wishes: str, card: str = "pm_card_visa", **more: Any) -> Any:
    asked = {f"payment_method_options[card][request_{wish}]": "if_available" for wish in wishes}
    sent = {"amount": 1000, "currency": "usd", "payment_method": card, "confirm": "true"}
    made = api.post(PATH, {**sent, "capture_method": "manual", **asked, **more})
    assert made.status == 200, made
    return made


def capture(api: Api, intent: Any, amount: int, final: bool = True) -> Any:
    sent = {"amount_to_capture": amount, "final_capture": str(final).lower()}
    return api.post(f"{PATH}/{intent['id']}/capture", sent)


def raised(api: Api, intent: Any, amount: int, **more: Any) -> Any:
    return api.post(f"{PATH}/{intent['id']}/increment_authorization", {"amount": amount, **more})


def charge_of(api: Api, intent: Any) -> Any:
    return api.get(f"/v1/charges/{intent['latest_charge']}")


def amounts(intent: Any) -> tuple[str, int, int, int]:
    return intent["status"], intent["amount"], intent["amount_capturable"], intent["amount_received"]


@pytest.fixture
def agree(api: Api) -> Callable[[], None]:
    """Check that every invariant holds, and that the books are as the gateway says."""
    gateway = api.app.db.outside.gateways["test"]
    before = gateway.truth()["balance"].get("usd", 0)

    def agree() -> None:
        check_all(api.app.db, api.tenant)
        assert list(compare(api.app.db, api.tenant, Compared())) == []
        with api.app.db.transaction(api.tenant) as tx:
            [moved] = tx.all("select coalesce(sum(net), 0) as net from balance_transactions")
        assert gateway.truth()["balance"].get("usd", 0) - before == moved["net"]

    return agree


def test_a_hold_is_captured_in_parts_each_with_a_movement_of_its_own(
    api: Api, agree: Callable[[], None], contract: ModuleType
) -> None:
    intent = held(api, "multicapture")
    first = capture(api, intent, 700, final=False)
    assert amounts(first) == ("requires_capture", 1000, 300, 700)
    charge = charge_of(api, intent)
    assert (charge["amount_captured"], charge["amount_refunded"], charge["captured"]) == (700, 0, False)
    assert capture(api, intent, 301, final=False)["error"]["code"] == "amount_too_large"
    done = capture(api, intent, 200)
    assert amounts(done) == ("succeeded", 1000, 0, 900)
    charge = charge_of(api, intent)
    assert (charge["amount_captured"], charge["amount_refunded"], charge["captured"]) == (900, 100, True)
    moved = api.get("/v1/balance_transactions", {"source": charge["id"]})["data"]
    assert [(one["amount"], one["fee"]) for one in moved] == [(200, 36), (700, 50)]
    assert charge["balance_transaction"] == moved[1]["id"]
    assert api.event_types()[-4:] == [
        "charge.updated",
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
    ]
    assert contract.problems(charge) == [] and contract.problems(done) == []
    agree()


def test_what_was_captured_so_far_can_be_refunded_and_no_more(api: Api, agree: Callable[[], None]) -> None:
    intent = held(api, "multicapture")
    capture(api, intent, 700, final=False)
    refund = {"payment_intent": intent["id"]}
    assert "greater than" in api.post("/v1/refunds", {**refund, "amount": 701})["error"]["message"]
    assert api.post("/v1/refunds", {**refund, "amount": 500})["status"] == "succeeded"
    agree()
    assert api.post("/v1/refunds", refund)["amount"] == 200
    assert amounts(capture(api, intent, 300)) == ("succeeded", 1000, 0, 1000)
    assert charge_of(api, intent)["amount_refunded"] == 700
    assert api.post("/v1/refunds", refund)["amount"] == 300
    assert charge_of(api, intent)["refunded"] is True
    agree()


@pytest.mark.parametrize("way", ["cancel", "capture"])
def test_the_rest_of_a_hold_is_let_go_and_the_intent_has_succeeded(
    api: Api, agree: Callable[[], None], way: str
) -> None:
    intent = held(api, "multicapture")
    assert capture(api, intent, 0)["error"]["param"] == "amount_to_capture"
    capture(api, intent, 700, final=False)
    assert capture(api, intent, 0, final=False)["error"]["param"] == "amount_to_capture"
    sent = {"amount_to_capture": 0} if way == "capture" else {}
    assert amounts(api.post(f"{PATH}/{intent['id']}/{way}", sent)) == ("succeeded", 1000, 0, 700)
    charge = charge_of(api, intent)
    assert (charge["amount_captured"], charge["amount_refunded"]) == (700, 300)
    assert capture(api, intent, 1)["error"]["code"] == UNEXPECTED
    agree()


START, DAY = 1800000000, 24 * 60 * 60


@pytest.fixture
def ann(api: Api) -> dict[str, str]:
    """A customer whose time a test advances, and that clock."""
    clock = api.post("/v1/test_helpers/test_clocks", {"frozen_time": START})["id"]
    return {"clock": clock, "customer": api.post("/v1/customers", {"test_clock": clock})["id"]}


def test_the_rest_of_a_hold_expires_with_what_was_captured_kept(
    api: Api, agree: Callable[[], None], ann: dict[str, str]
) -> None:
    intent = held(api, "multicapture", customer=ann["customer"])
    capture(api, intent, 700, final=False)
    advance(api, ann["clock"], START + 8 * DAY)
    assert amounts(api.get(f"{PATH}/{intent['id']}")) == ("succeeded", 1000, 0, 700)
    agree()


def test_an_extended_hold_is_kept_for_thirty_days(
    api: Api, agree: Callable[[], None], ann: dict[str, str]
) -> None:
    intent = held(api, "extended_authorization", customer=ann["customer"])
    charge = charge_of(api, intent)
    card = charge["payment_method_details"]["card"]
    assert card["extended_authorization"] == {"status": "enabled"}
    assert card["capture_before"] == charge["created"] + 30 * DAY
    advance(api, ann["clock"], START + 29 * DAY)
    assert api.get(f"{PATH}/{intent['id']}")["status"] == "requires_capture"
    advance(api, ann["clock"], START + 31 * DAY)
    assert api.get(f"{PATH}/{intent['id']}")["status"] == "canceled"
    agree()


def test_more_than_is_held_is_captured_up_to_the_limit_that_the_charge_shows(
    api: Api, agree: Callable[[], None]
) -> None:
    intent = held(api, "overcapture")
    over = charge_of(api, intent)["payment_method_details"]["card"]["overcapture"]
    assert over == {"maximum_amount_capturable": 1150, "status": "available"}
    assert capture(api, intent, 1151)["error"]["code"] == "amount_too_large"
    assert amounts(capture(api, intent, 1150)) == ("succeeded", 1150, 0, 1150)
    charge = charge_of(api, intent)
    assert (charge["amount"], charge["amount_captured"], charge["amount_refunded"]) == (1150, 1150, 0)
    assert charge["payment_method_details"]["card"]["amount_authorized"] == 1000
    assert api.post("/v1/refunds", {"charge": charge["id"]})["amount"] == 1150
    agree()


def test_a_hold_is_raised_and_captured_as_a_whole(
    api: Api, agree: Callable[[], None], contract: ModuleType
) -> None:
    intent = held(api, "incremental_authorization", "overcapture")
    up = raised(api, intent, 1500, description="Two nights", **{"metadata[room]": "7"})
    assert amounts(up) == ("requires_capture", 1500, 1500, 0)
    assert (up["description"], up["metadata"]) == ("Two nights", {"room": "7"})
    charge = charge_of(api, intent)
    card = charge["payment_method_details"]["card"]
    assert (charge["amount"], card["amount_authorized"]) == (1500, 1500)
    assert card["overcapture"]["maximum_amount_capturable"] == 1725
    assert api.event_types()[-2:] == ["charge.updated", "payment_intent.amount_capturable_updated"]
    assert contract.problems(up) == []
    agree()
    assert amounts(capture(api, intent, 1725)) == ("succeeded", 1725, 0, 1725)
    assert raised(api, intent, 1800)["error"]["code"] == UNEXPECTED
    agree()


def test_a_raise_that_the_bank_declines_changes_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    intent = held(api, "incremental_authorization")
    before = api.get(f"{PATH}/{intent['id']}")
    no = Declined("card_declined", "insufficient_funds", "Your card has insufficient funds.", retry=True)
    with monkeypatch.context() as patched:
        patched.setattr(api.app.db.outside.gateways["test"], "increment", lambda wish: no)
        declined = raised(api, intent, 1500, description="Two nights")
        error = declined["error"]
        assert (declined.status, error["code"], error["decline_code"]) == (
            402,
            "card_declined",
            "insufficient_funds",
        )
        assert error["payment_intent"]["amount"] == 1000
        assert api.get(f"{PATH}/{intent['id']}") == before
        for _ in range(9):
            raised(api, intent, 1500)
    assert "maximum" in raised(api, intent, 1500)["error"]["message"]
    assert amounts(capture(api, intent, 1000)) == ("succeeded", 1000, 0, 1000)


@pytest.mark.parametrize("card", ["pm_card_jcb", "pm_card_visa"])
def test_what_was_not_asked_for_or_the_card_does_not_allow_is_unavailable(api: Api, card: str) -> None:
    intent = held(api, *(ALL if card == "pm_card_jcb" else ()), card=card)
    shown = charge_of(api, intent)["payment_method_details"]["card"]
    assert [shown[name]["status"] for name in ALL] == ["disabled", *["unavailable"] * 3]
    assert capture(api, intent, 500, final=False)["error"]["param"] == "final_capture"
    assert capture(api, intent, 1001)["error"]["code"] == "amount_too_large"
    assert "unavailable" in raised(api, intent, 1100)["error"]["message"]
    assert raised(api, intent, 900)["error"]["param"] == "amount"


def test_a_hold_is_not_raised_after_a_capture(api: Api) -> None:
    intent = held(api, "multicapture", "incremental_authorization")
    capture(api, intent, 100, final=False)
    assert raised(api, intent, 2000)["error"]["code"] == UNEXPECTED


def test_what_a_hold_allows_is_known_after_its_holder_has_acted(api: Api, agree: Callable[[], None]) -> None:
    intent = held(api, "multicapture", card="pm_card_authenticationRequired")
    act(api, intent["id"])
    assert amounts(capture(api, api.get(f"{PATH}/{intent['id']}"), 400, final=False))[2:] == (600, 400)
    agree()


def test_a_hold_that_is_let_go_moves_no_money_at_the_gateway(api: Api, agree: Callable[[], None]) -> None:
    intent = held(api)
    assert api.post(f"{PATH}/{intent['id']}/cancel")["status"] == "canceled"
    agree()


def test_while_a_hold_is_raised_it_is_neither_captured_nor_let_go(
    api: Api, agree: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    intent = held(api, "incremental_authorization")
    answers = meanwhile(monkeypatch, "increment", lambda: capture(api, intent, 1000))
    assert raised(api, intent, 1200)["amount"] == 1200
    assert answers[0]["error"]["code"] == "lock_timeout"
    assert amounts(capture(api, intent, 1200))[0] == "succeeded"
    agree()


def test_two_parts_of_one_amount_are_two_captures(
    api: Api, monkeypatch: pytest.MonkeyPatch, agree: Callable[[], None]
) -> None:
    intent = held(api, "multicapture")
    answers = meanwhile(monkeypatch, "capture", lambda: capture(api, intent, 400, final=False))
    assert capture(api, intent, 400, final=False)["amount_received"] == 400
    assert (answers[0].status, answers[0]["error"]["code"]) == (429, "lock_timeout")
    assert capture(api, intent, 400, final=False)["amount_received"] == 800
    agree()


def test_a_capture_is_in_units_that_the_networks_of_cards_know(api: Api) -> None:
    intent = held(api, "multicapture", currency="kwd")
    refused = capture(api, intent, 333, final=False)
    assert (refused["error"]["code"], refused["error"]["param"]) == (
        "invalid_charge_amount",
        "amount_to_capture",
    )
    by_charge = api.post(f"/v1/charges/{intent['latest_charge']}/capture", {"amount": 333})
    assert by_charge["error"]["param"] == "amount"
    assert capture(api, intent, 330)["amount_received"] == 330


def test_a_payment_that_is_shared_is_captured_once(api: Api) -> None:
    account = enabled(api, country="SE")
    intent = held(api, "multicapture", **{"transfer_data[destination]": account})
    assert capture(api, intent, 500, final=False)["error"]["param"] == "final_capture"


def test_a_fee_that_comes_with_a_raise_lets_the_hold_be_captured_once(api: Api) -> None:
    there = {"Stripe_Account": enabled(api)}
    asked = {f"payment_method_options[card][request_{wish}]": "if_available" for wish in ALL}
    sent = {"amount": 1000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}
    id = api.post(PATH, {**sent, "capture_method": "manual", **asked}, **there)["id"]
    api.post(f"{PATH}/{id}/increment_authorization", {"amount": 1200, "application_fee_amount": 300}, **there)
    part = {"amount_to_capture": 500, "final_capture": "false"}
    assert api.post(f"{PATH}/{id}/capture", part, **there)["error"]["param"] == "final_capture"
    assert api.post(f"{PATH}/{id}/capture", {"amount_to_capture": 500}, **there)["status"] == "succeeded"
    [moved] = api.get("/v1/balance_transactions", **there)["data"]
    [fee] = api.get("/v1/application_fees")["data"]
    assert (moved["net"], fee["amount"]) == (500 - moved["fee"], 300)
    assert [one["amount"] for one in moved["fee_details"] if one["type"] == "application_fee"] == [300]
