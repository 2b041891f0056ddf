"""Are the people and the capabilities of connected accounts kept and told as Stripe's?"""

from types import ModuleType
from typing import Any

import pytest

from tests.conftest import Api
from tests.support.connected import ACCEPTED

ANN = {
    "first_name": "Ann",
    "last_name": "Berg",
    "email": "ann@example.com",
    "dob[day]": 1,
    "dob[month]": 2,
    "dob[year]": 1990,
    "address[city]": "Malmo",
    "relationship[representative]": "true",
    "relationship[percent_ownership]": "62.5",
    "relationship[title]": "CEO",
    "full_name_aliases[0]": "A. Berg",
    "nationality": "SE",
    "political_exposure": "none",
    "additional_tos_acceptances[account][date]": 1735689600,
    "metadata[a]": "1",
}


@pytest.fixture
def shop(api: Api) -> str:
    return str(api.post("/v1/accounts", {"type": "custom", "country": "SE"})["id"])


def test_a_person_is_shown_as_the_contract_has_it(api: Api, shop: str, contract: ModuleType) -> None:
    path = f"/v1/accounts/{shop}/persons"
    made = api.post(path, ANN)
    assert (made.status, contract.problems(made)) == (200, [])
    assert made["id"].startswith("person_") and made["account"] == shop
    assert made["dob"] == {"day": 1, "month": 2, "year": 1990}
    assert (made["relationship"]["percent_ownership"], made["relationship"]["owner"]) == (62.5, False)
    assert made["additional_tos_acceptances"]["account"]["date"] == 1735689600
    assert made["verification"]["status"] == "unverified" and made["id_number_provided"] is False
    assert api.get(f"{path}/{made['id']}") == made == api.get(path)["data"][0]


def test_a_change_of_a_person_leaves_what_it_does_not_name(api: Api, shop: str) -> None:
    path = f"/v1/accounts/{shop}/persons"
    made = api.post(path, ANN)
    after = api.post(
        f"{path}/{made['id']}",
        {"address[line1]": "Gatan 1", "relationship[director]": "true", "email": "", "dob": ""},
    )
    assert (after["address"]["city"], after["address"]["line1"]) == ("Malmo", "Gatan 1")
    assert after["relationship"]["representative"] and after["relationship"]["director"]
    assert (after["email"], after["dob"]["year"], after["metadata"]) == (None, None, {"a": "1"})
    [event] = api.get("/v1/events", {"type": "person.updated"})["data"]
    assert event["data"]["previous_attributes"]["email"] == "ann@example.com"


def test_people_are_listed_by_what_they_are(api: Api, shop: str) -> None:
    path = f"/v1/accounts/{shop}/persons"
    first = api.post(path, ANN)["id"]
    second = api.post(path, {"first_name": "Bo", "relationship[owner]": "true"})["id"]
    for name, ids in (("representative", [first]), ("owner", [second]), ("director", [])):
        found = api.get(path, {f"relationship[{name}]": "true"})["data"]
        assert [one["id"] for one in found] == ids
    assert [one["id"] for one in api.get(path)["data"]] == [second, first]


def test_the_representative_is_one_and_stays(api: Api, shop: str) -> None:
    path = f"/v1/accounts/{shop}/persons"
    first, second = api.post(path, ANN)["id"], api.post(path, {"first_name": "Bo"})["id"]
    chief = {"relationship[representative]": "true"}
    for refused in (
        api.post(path, chief),
        api.post(f"{path}/{second}", chief),
        api.delete(f"{path}/{first}"),
    ):
        assert refused.status == 400
    assert api.delete(f"{path}/{second}")["deleted"] is True
    assert [one["id"] for one in api.get(path)["data"]] == [first]
    assert api.event_types(**{"types[0]": "person.created", "types[1]": "person.deleted"}) == [
        *("person.created", "person.created", "person.deleted")
    ]


def test_a_person_is_found_with_its_own_account_only(api: Api, other: Api, shop: str) -> None:
    made = api.post(f"/v1/accounts/{shop}/persons", ANN)["id"]
    second = api.post("/v1/accounts", {"type": "custom", "country": "SE"})["id"]
    assert api.get(f"/v1/accounts/{second}/persons/{made}").status == 404
    assert other.get(f"/v1/accounts/{shop}/persons/{made}").status == 404
    assert api.delete(f"/v1/accounts/{shop}")["deleted"] is True


@pytest.mark.parametrize("name", ["id_number", "ssn_last_4", "person_token"])
def test_numbers_of_identity_papers_are_not_taken(api: Api, shop: str, name: str) -> None:
    answer = api.post(f"/v1/accounts/{shop}/persons", {name: "000000000"})
    assert answer["error"]["code"] == "parameter_unknown"


# ------------------------------------------------------------------------------------- capabilities


def test_a_capability_is_active_when_the_account_can_charge(
    api: Api, shop: str, contract: ModuleType
) -> None:
    path = f"/v1/accounts/{shop}/capabilities"
    first, second = api.get(path)["data"]
    assert contract.problems(first) == [] and (first["id"], second["id"]) == ("card_payments", "transfers")
    assert (first["status"], first["requested"], first["account"]) == ("inactive", True, shop)
    assert first["requested_at"] and "business_type" in first["requirements"]["currently_due"]
    api.post(f"/v1/accounts/{shop}", ACCEPTED)
    after = api.get(f"{path}/card_payments")
    assert (after["status"], after["requirements"]["currently_due"]) == ("active", [])
    told = api.get("/v1/events", {"type": "capability.updated"})["data"]
    assert {one["data"]["object"]["id"] for one in told} == {"card_payments", "transfers"}
    assert told[0]["data"]["previous_attributes"]["status"] == "inactive"


def test_a_capability_is_requested_and_requested_no_longer(api: Api, shop: str) -> None:
    path = f"/v1/accounts/{shop}/capabilities/sepa_debit_payments"
    assert api.get(path)["status"] == "unrequested"
    made = api.post(path, {"requested": "true"})
    assert (made["status"], made["requested"]) == ("inactive", True)
    assert api.get(f"/v1/accounts/{shop}")["capabilities"]["sepa_debit_payments"] == "inactive"
    after = api.post(path, {"requested": "false"})
    assert (after["status"], after["requested"], after["requested_at"]) == ("unrequested", False, None)
    assert "sepa_debit_payments" not in api.get(f"/v1/accounts/{shop}")["capabilities"]


def test_capabilities_are_those_that_stripe_has(api: Api, other: Api, shop: str) -> None:
    for answer in (
        api.get(f"/v1/accounts/{shop}/capabilities/fly"),
        api.post(f"/v1/accounts/{shop}/capabilities/fly", {"requested": "true"}),
    ):
        assert (answer.status, answer["error"]["code"]) == (404, "resource_missing")
    own: Any = api.get(f"/v1/accounts/{api.account}/capabilities/card_payments")
    assert (own["status"], own["requested"]) == ("active", True)
    assert other.get(f"/v1/accounts/{shop}/capabilities").status == 403
    asked = other.post(f"/v1/accounts/{shop}/capabilities/transfers", {"requested": "false"})
    assert (asked.status, len(api.get(f"/v1/accounts/{shop}/capabilities")["data"])) == (404, 2)
