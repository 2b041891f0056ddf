"""Do connected accounts have bank accounts to be paid out to?"""

from types import ModuleType
from typing import Any

import pytest

from tests.conftest import Api

BANK = {
    "external_account[object]": "bank_account",
    "external_account[country]": "US",
    "external_account[currency]": "usd",
    "external_account[account_number]": "000123456789",
    "external_account[routing_number]": "110000000",
    "external_account[account_holder_name]": "Ann",
}


@pytest.fixture
def shop(api: Api) -> str:
    return str(api.post("/v1/accounts", {"type": "custom", "country": "US", **BANK})["id"])


def listed(api: Api, shop: str, **query: Any) -> list[Any]:
    found: list[Any] = api.get(f"/v1/accounts/{shop}/external_accounts", query)["data"]
    return found


def test_an_account_is_made_with_its_bank_account(api: Api, shop: str, contract: ModuleType) -> None:
    [one] = api.get(f"/v1/accounts/{shop}")["external_accounts"]["data"]
    assert (contract.problems(one), contract.absent(one)) == ([], [])
    assert (one["last4"], one["default_for_currency"], one["account"]) == ("6789", True, shop)
    assert listed(api, shop) == [one]
    assert listed(api, shop, object="card") == []
    assert "000123456789" not in str(one)


def test_another_default_takes_the_place_of_the_first(api: Api, shop: str) -> None:
    path = f"/v1/accounts/{shop}/external_accounts"
    [first] = listed(api, shop)
    second = api.post(path, {"external_account": "btok_us_verified", "metadata[a]": "b"})
    assert (second["default_for_currency"], second["metadata"]) == (False, {"a": "b"})
    assert api.delete(f"{path}/{first['id']}").status == 400
    assert api.post(f"{path}/{second['id']}", {"default_for_currency": "true"})["default_for_currency"]
    assert not api.get(f"{path}/{first['id']}")["default_for_currency"]
    assert api.delete(f"{path}/{first['id']}") == {
        **{"id": first["id"], "object": "bank_account", "deleted": True}
    }
    assert [one["id"] for one in listed(api, shop)] == [second["id"]]
    assert api.post(f"{path}/{second['id']}", {"account_holder_name": "Bo"})["account_holder_name"] == "Bo"
    types = [one for one in api.event_types() if "external_account" in one]
    kinds = ["created", "created", "updated", "updated", "deleted", "updated"]
    assert types == [f"account.external_account.{kind}" for kind in kinds]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"external_account": "btok_none"}, "resource_missing"),
        ({**BANK, "external_account[account_number]": "123123123"}, "account_number_invalid"),
        ({name: value for name, value in BANK.items() if "routing" not in name}, None),
        ({}, "parameter_missing"),
    ],
)
def test_what_is_no_test_account_is_refused(api: Api, shop: str, sent: Any, code: str | None) -> None:
    refused = api.post(f"/v1/accounts/{shop}/external_accounts", sent)
    assert (refused.status, refused["error"].get("code")) == (400, code)


def test_a_bank_account_of_another_account_is_not_found(api: Api, shop: str) -> None:
    other = api.post("/v1/accounts", {"type": "custom", "country": "US"})["id"]
    [one] = listed(api, shop)
    assert api.get(f"/v1/accounts/{other}/external_accounts/{one['id']}").status == 404
