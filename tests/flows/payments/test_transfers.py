"""Do shares of a platform's money reach connected accounts, in the books of both?"""

from types import ModuleType
from typing import Any

import pytest

from tests.conftest import Api
from tests.support.connected import enabled
from tests.support.invariants import check_all


@pytest.fixture
def shop(api: Api) -> str:
    return enabled(api)


@pytest.fixture
def charge(api: Api) -> str:
    sold = {"amount": 10000, "currency": "usd", "source": "tok_visa"}
    return str(api.post("/v1/charges", sold)["id"])


def transfer(api: Api, shop: str, **sent: Any) -> Any:
    return api.post("/v1/transfers", {"destination": shop, "currency": "usd", **sent})


def test_a_share_of_a_charge_is_in_the_books_of_both(
    api: Api, shop: str, charge: str, contract: ModuleType
) -> None:
    made = transfer(api, shop, amount=7000, source_transaction=charge)
    assert (made.status, contract.problems(made), contract.absent(made)) == (200, [], [])
    assert (made["amount"], made["destination"], made["reversed"]) == (7000, shop, False)
    moved = api.get(f"/v1/balance_transactions/{made['balance_transaction']}")
    assert (moved["amount"], moved["type"], moved["source"]) == (-7000, "transfer", made["id"])
    there = api.get(f"/v1/charges/{made['destination_payment']}", Stripe_Account=shop)
    assert (there["amount"], there["status"], there["customer"]) == (7000, "succeeded", None)
    [received] = api.get("/v1/balance_transactions", Stripe_Account=shop)["data"]
    assert (received["amount"], received["type"], received["source"]) == (7000, "payment", there["id"])
    assert api.event_types(type="transfer.created") == ["transfer.created"]
    events = api.get("/v1/events", Stripe_Account=shop)["data"]
    assert [event["type"] for event in events] == ["charge.succeeded"]
    assert api.get(f"/v1/charges/{there['id']}").status == 404
    for tenant in (api.tenant, f"{shop}/test"):
        check_all(api.app.db, tenant)


def test_no_more_of_a_charge_is_transferred_than_there_is(api: Api, shop: str, charge: str) -> None:
    assert transfer(api, shop, amount=6000, source_transaction=charge).status == 200
    refused = transfer(api, shop, amount=4001, source_transaction=charge)
    assert (refused.status, refused["error"]["param"]) == (400, "amount")
    assert transfer(api, shop, source_transaction=charge)["amount"] == 4000
    assert transfer(api, shop, amount=1, source_transaction=charge).status == 400


def test_only_what_is_available_is_transferred_from_the_balance(api: Api, shop: str, charge: str) -> None:
    refused = transfer(api, shop, amount=100)
    assert (refused.status, refused["error"]["code"]) == (400, "balance_insufficient")
    assert transfer(api, shop)["error"]["param"] == "amount"


def test_a_transfer_comes_back_in_parts(api: Api, shop: str, charge: str, contract: ModuleType) -> None:
    made = transfer(api, shop, amount=7000, source_transaction=charge)
    path = f"/v1/transfers/{made['id']}"
    first = api.post(f"{path}/reversals", {"amount": 2000})
    assert (first.status, contract.problems(first), contract.absent(first)) == (200, [], [])
    assert (api.get(path)["amount_reversed"], api.get(path)["reversed"]) == (2000, False)
    assert api.post(f"{path}/reversals", {"amount": 5001})["error"]["param"] == "amount"
    api.post(f"{path}/reversals")
    after = api.get(path)
    assert (after["amount_reversed"], after["reversed"]) == (7000, True)
    assert len(after["reversals"]["data"]) == 2 and api.post(f"{path}/reversals").status == 400
    assert api.get(f"{path}/reversals/{first['id']}") == first
    there = api.get(f"/v1/charges/{made['destination_payment']}", Stripe_Account=shop)
    assert (there["refunded"], there["amount_refunded"]) == (True, 7000)
    for mode in (api.tenant, f"{shop}/test"):
        check_all(api.app.db, mode)


def test_nothing_is_transferred_to_an_account_of_somebody_else(
    api: Api, other: Api, shop: str, charge: str
) -> None:
    theirs = str(other.post("/v1/accounts", {"type": "express", "country": "US"})["id"])
    for destination in (theirs, "acct_none", api.account):
        refused = transfer(api, destination, amount=1, source_transaction=charge)
        assert (refused.status, refused["error"]["param"]) == (400, "destination")


def test_a_share_is_given_back_by_its_platform_and_not_refunded(api: Api, shop: str, charge: str) -> None:
    made = transfer(api, shop, amount=7000, source_transaction=charge)
    answer = api.post("/v1/refunds", {"charge": made["destination_payment"]}, Stripe_Account=shop)
    assert (answer.status, answer["error"]["code"]) == (400, "charge_not_refundable")
