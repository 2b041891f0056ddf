"""Are the domains on which wallets are shown registered, switched and listed?"""

from types import ModuleType

import pytest

from tests.conftest import Api

PATH = "/v1/payment_method_domains"
WALLETS = ("amazon_pay", "apple_pay", "google_pay", "klarna", "link", "paypal")


def test_a_domain_is_registered_once_and_switched(api: Api, contract: ModuleType) -> None:
    made = api.post(PATH, {"domain_name": "Shop.example"})
    assert (made["domain_name"], made["enabled"]) == ("shop.example", True)
    assert contract.problems(made) == []
    assert {made[name]["status"] for name in WALLETS} == {"active"}
    assert api.post(PATH, {"domain_name": "shop.example"})["id"] == made["id"]
    off = api.post(f"{PATH}/{made['id']}", {"enabled": "false"})
    assert off["enabled"] is False and {off[name]["status"] for name in WALLETS} == {"inactive"}
    assert api.post(f"{PATH}/{made['id']}/validate") == off == api.get(f"{PATH}/{made['id']}")


def test_domains_are_listed_by_name_and_by_whether_they_are_enabled(api: Api) -> None:
    first = api.post(PATH, {"domain_name": "one.example"})["id"]
    second = api.post(PATH, {"domain_name": "two.example", "enabled": "false"})["id"]

    def listed(**filters: str) -> list[str]:
        return [one["id"] for one in api.get(PATH, filters)["data"]]

    assert listed() == [second, first] and listed(enabled="true") == [first]
    assert listed(domain_name="two.example") == [second]


@pytest.mark.parametrize(
    "name", ["https://a.example", "a.example/x", "localhost", "10.0.0.1", "-a.example", "a b.c"]
)
def test_what_is_no_domain_is_refused(api: Api, name: str) -> None:
    assert api.post(PATH, {"domain_name": name})["error"]["param"] == "domain_name"
