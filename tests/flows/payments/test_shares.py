"""Are payments divided between a platform and its connected accounts, in the books of both?"""

from types import ModuleType
from typing import Any

import pytest

from billow.gateway_check import Compared, compare
from tests.conftest import Api
from tests.support.connected import enabled
from tests.support.invariants import check_all

SOLD = {
    "amount": 10000,
    "currency": "usd",
    "payment_method": "pm_card_visa",
    "confirm": "true",
    "automatic_payment_methods[enabled]": "true",
    "automatic_payment_methods[allow_redirects]": "never",
}


@pytest.fixture
def shop(api: Api) -> str:
    return enabled(api)


def shared(api: Api, shop: str, **more: Any) -> Any:
    made = api.post("/v1/payment_intents", {**SOLD, "transfer_data[destination]": shop, **more})
    assert made.status == 200, made
    return made


def check_both(api: Api, shop: str) -> None:
    for tenant in (api.tenant, f"{shop}/test"):
        check_all(api.app.db, tenant)
        assert list(compare(api.app.db, tenant, Compared())) == []


def balance(api: Api, account: str = "") -> int:
    named = {"Stripe_Account": account} if account else {}
    shown = api.get("/v1/balance", **named)
    return sum(int(shown[part][0]["amount"]) for part in ("available", "pending"))


def test_a_payment_goes_to_its_destination_less_the_fee(api: Api, shop: str, contract: ModuleType) -> None:
    intent = shared(api, shop, application_fee_amount=1230, on_behalf_of=shop, transfer_group="order")
    charge = api.get(f"/v1/charges/{intent['latest_charge']}")
    assert (contract.problems(charge), charge["application_fee_amount"]) == ([], 1230)
    assert charge["transfer_data"] == {"amount": None, "destination": shop}
    assert (charge["on_behalf_of"], charge["transfer_group"]) == (shop, "order")
    transfer = api.get(f"/v1/transfers/{charge['transfer']}")
    assert (transfer["amount"], transfer["source_transaction"]) == (10000, charge["id"])
    fee = api.get(f"/v1/application_fees/{charge['application_fee']}")
    assert (contract.problems(fee), contract.absent(fee)) == ([], [])
    assert (fee["amount"], fee["account"], fee["originating_transaction"]) == (1230, shop, charge["id"])
    assert fee["charge"] == transfer["destination_payment"]
    there = api.get(f"/v1/charges/{fee['charge']}", Stripe_Account=shop)
    assert (there["amount"], there["application_fee_amount"]) == (10000, 1230)
    assert (balance(api), balance(api, shop)) == (10000 - 320 - 10000 + 1230, 10000 - 1230)
    types = api.event_types()
    assert [one for one in types if one.startswith(("transfer.", "application_fee."))] == [
        *["transfer.created", "application_fee.created"]
    ]
    check_both(api, shop)


def test_a_part_of_a_payment_goes_to_its_destination(api: Api, shop: str) -> None:
    charge = api.get(f"/v1/charges/{shared(api, shop, **{'transfer_data[amount]': 7000})['latest_charge']}")
    assert api.get(f"/v1/transfers/{charge['transfer']}")["amount"] == 7000
    assert (charge["application_fee"], charge["transfer_data"]["amount"]) == (None, 7000)
    check_both(api, shop)
    more = {"transfer_data[destination]": shop, "transfer_data[amount]": 10001}
    assert api.post("/v1/payment_intents", {**SOLD, **more})["error"]["param"] == "transfer_data[amount]"


def test_a_direct_payment_pays_its_platform_the_fee(api: Api, shop: str) -> None:
    intent = api.post("/v1/payment_intents", {**SOLD, "application_fee_amount": 500}, Stripe_Account=shop)
    charge = api.get(f"/v1/charges/{intent['latest_charge']}", Stripe_Account=shop)
    [fee] = api.get("/v1/application_fees", {"charge": charge["id"]})["data"]
    assert (fee["id"], fee["amount"], fee["account"]) == (charge["application_fee"], 500, shop)
    moved = api.get(f"/v1/balance_transactions/{charge['balance_transaction']}", Stripe_Account=shop)
    assert (moved["fee"], moved["net"]) == (820, 9180)
    assert [one["type"] for one in moved["fee_details"]] == ["application_fee", "payment_fee"]
    assert balance(api) == 500
    check_both(api, shop)


def test_a_hold_is_divided_when_it_is_captured(api: Api, shop: str) -> None:
    held = shared(api, shop, capture_method="manual", application_fee_amount=1000)
    assert api.get(f"/v1/charges/{held['latest_charge']}")["transfer"] is None
    path = f"/v1/payment_intents/{held['id']}/capture"
    assert api.post(path, {"amount_to_capture": 6000, "application_fee_amount": 700}).status == 200
    charge = api.get(f"/v1/charges/{held['latest_charge']}")
    assert api.get(f"/v1/transfers/{charge['transfer']}")["amount"] == 6000
    assert api.get(f"/v1/application_fees/{charge['application_fee']}")["amount"] == 700
    check_both(api, shop)


def test_no_share_is_more_than_what_is_captured(api: Api, shop: str) -> None:
    to = {"transfer_data[destination]": shop, "transfer_data[amount]": 9000}
    intent = api.post("/v1/payment_intents", {**SOLD, "capture_method": "manual", **to})
    api.post(f"/v1/payment_intents/{intent['id']}/capture", {"amount_to_capture": 2000})
    assert [one["amount"] for one in api.get("/v1/transfers")["data"]] == [2000]
    sent = {**SOLD, "capture_method": "manual", "application_fee_amount": 3000}
    intent = api.post("/v1/payment_intents", sent, Stripe_Account=shop)
    path = f"/v1/payment_intents/{intent['id']}/capture"
    api.post(path, {"amount_to_capture": 2000}, Stripe_Account=shop)
    assert [one["amount"] for one in api.get("/v1/application_fees")["data"]] == [2000]
    moved = api.get("/v1/balance_transactions", Stripe_Account=shop)["data"][0]
    assert [one["amount"] for one in moved["fee_details"] if one["type"] == "application_fee"] == [2000]
    check_both(api, shop)


def test_a_refund_takes_back_the_share_and_gives_back_the_fee(api: Api, shop: str) -> None:
    charge = shared(api, shop, application_fee_amount=1000)["latest_charge"]
    back = {"reverse_transfer": "true", "refund_application_fee": "true"}
    half = api.post("/v1/refunds", {"charge": charge, "amount": 5000, **back})
    shown = api.get(f"/v1/charges/{charge}", {"expand[]": "transfer"})
    reversal = shown["transfer"]["reversals"]["data"][0]
    assert (reversal["id"], reversal["amount"]) == (half["transfer_reversal"], 5000)
    assert reversal["source_refund"] == half["id"]
    fee = api.get(f"/v1/application_fees/{shown['application_fee']}")
    assert (fee["amount_refunded"], fee["refunded"]) == (500, False)
    api.post("/v1/refunds", {"charge": charge, **back})
    fee = api.get(f"/v1/application_fees/{shown['application_fee']}")
    assert (fee["amount_refunded"], fee["refunded"]) == (1000, True)
    assert api.get(f"/v1/transfers/{shown['transfer']['id']}")["reversed"]
    assert (balance(api), balance(api, shop)) == (-320, 0)
    check_both(api, shop)


def test_a_fee_is_refunded_by_itself(api: Api, shop: str, contract: ModuleType) -> None:
    charge = api.get(f"/v1/charges/{shared(api, shop, application_fee_amount=1000)['latest_charge']}")
    path = f"/v1/application_fees/{charge['application_fee']}/refunds"
    part = api.post(path, {"amount": 400, "metadata[a]": "b"})
    assert (part.status, contract.problems(part), part["metadata"]) == (200, [], {"a": "b"})
    assert api.post(path, {"amount": 601})["error"]["param"] == "amount"
    assert api.post(path)["amount"] == 600
    assert api.post(path)["error"]["code"] == "charge_already_refunded"
    assert [one["amount"] for one in api.get(path)["data"]] == [600, 400]
    assert api.get(f"{path}/{part['id']}")["amount"] == 400
    check_both(api, shop)


@pytest.mark.parametrize("name", ["reverse_transfer", "refund_application_fee"])
def test_what_a_charge_has_not_is_not_taken_back(api: Api, name: str) -> None:
    charge = api.post("/v1/charges", {"amount": 1000, "currency": "usd", "source": "tok_visa"})["id"]
    refused = api.post("/v1/refunds", {"charge": charge, name: "true"})
    assert refused["error"]["param"] == name


def test_a_charge_of_the_older_kind_is_divided_too(api: Api, shop: str) -> None:
    sold = {"amount": 1000, "currency": "usd", "source": "tok_visa", "transfer_data[destination]": shop}
    charge = api.post("/v1/charges", {**sold, "application_fee_amount": 100})
    assert api.get(f"/v1/application_fees/{charge['application_fee']}")["amount"] == 100
    check_both(api, shop)


def test_the_older_forms_of_a_shared_charge_are_the_newer_ones(api: Api, shop: str) -> None:
    card = {"amount": 10000, "currency": "usd", "source": "tok_visa"}
    older = {**card, "application_fee": 1000, "destination[account]": shop}
    charge = api.post("/v1/charges", older)
    assert (charge["application_fee_amount"], charge["transfer_data"]["destination"]) == (1000, shop)
    part = api.post("/v1/charges", {**card, "destination[account]": shop, "destination[amount]": 7000})
    assert part["transfer_data"] == {"amount": 7000, "destination": shop}
    held = api.post("/v1/charges", {**older, "capture": "false"})["id"]
    taken = api.post(f"/v1/charges/{held}/capture", {"application_fee": 700})
    assert taken["application_fee_amount"] == 700
    check_both(api, shop)


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"application_fee_amount": 5}, "application_fee"),
        ({"transfer_data[destination]": "{shop}"}, "destination"),
        ({"destination[amount]": 5}, "destination[amount]"),
    ],
)
def test_an_older_form_beside_its_newer_one_is_refused(
    api: Api, shop: str, more: dict[str, Any], param: str
) -> None:
    sent = {"amount": 500, "currency": "usd", "source": "tok_visa", "application_fee": 5}
    named = {name: shop if value == "{shop}" else value for name, value in more.items()}
    error = api.post("/v1/charges", {**sent, "destination[account]": shop, **named})["error"]
    assert (error["code"], error["param"]) == ("parameters_exclusive", param)
