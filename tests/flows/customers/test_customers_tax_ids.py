"""Are tax ids checked, kept and emitted, and copied to invoices?"""

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import stripe

from billow.core import tax_ids
from billow.store import jobs

GOOD = {
    "au_abn": "51824753556",
    "br_cnpj": "16.727.230/0001-97",
    "ch_vat": "CHE-107.787.577 IVA",
    "es_cif": "J99216582",
    "eu_vat": "IE6388047V",
    "gb_vat": "GB980780684",
    "in_gst": "27AAPFU0939F1ZV",
    "no_vat": "995525828MVA",
    "us_ein": "91-1144442",
    "ae_trn": "123456789012345",
    "jp_trn": "T1234567891234",
    "za_vat": "4123456789",
    "zw_tin": "1234567890",
}
BAD = {
    "au_abn": "99999999999",
    "br_cnpj": "16.727.230/0001-98",
    "ch_vat": "CHE-107.787.578 IVA",
    "es_cif": "J99216583",
    "eu_vat": "IE6388047X",
    "gb_vat": "GB802311781",
    "in_gst": "27AAPFU0939F1ZO",
    "no_vat": "995525829MVA",
    "us_ein": "07-1144442",
    "ae_trn": "12345",
    "jp_trn": "1234567891234",
    "za_vat": "5123456789",
    "zw_tin": "no number",
}


def path(customer: str, tail: str = "") -> str:
    return f"/v1/customers/{customer}/tax_ids{tail}"


@pytest.mark.parametrize("type", GOOD)
def test_a_number_is_checked_by_its_type(type: str) -> None:
    assert tax_ids.is_valid(type, GOOD[type])
    assert not tax_ids.is_valid(type, BAD[type])


def test_every_type_of_the_contract_is_known_and_every_check_has_a_type() -> None:
    source = (Path(stripe.__file__).parent / "params" / "_tax_id_create_params.py").read_text()
    declared = source.split("    type: Union[")[1].split("    value: str")[0]
    assert set(re.findall(r'"([a-z_]+)"', declared)) == set(tax_ids.TYPES)
    assert {*tax_ids.CHECKED, *tax_ids.SHAPES} <= set(tax_ids.TYPES)


def test_a_tax_id_of_a_customer_is_as_the_contract_has_it(api: Any, contract: ModuleType) -> None:
    ann = api.post("/v1/customers")["id"]
    made = api.post(path(ann), {"type": "eu_vat", "value": "IE6388047V"})
    assert (made.status, contract.problems(made), contract.absent(made)) == (200, [], [])
    assert (made["country"], made["customer"], made["verification"]["status"]) == ("IE", ann, "pending")
    assert made["owner"]["type"] == "customer" and made["owner"]["customer"] == ann
    assert api.get(path(ann, f"/{made['id']}")) == made == api.get(f"/v1/tax_ids/{made['id']}")
    assert api.get(path(ann))["data"] == [made]
    shown = api.get(f"/v1/customers/{ann}", {"expand[]": "tax_ids"})
    assert shown["tax_ids"]["data"] == [made] and contract.problems(shown) == []
    assert api.event_types()[-1] == "customer.tax_id.created"


def test_a_wrong_number_is_refused_with_its_place(api: Any) -> None:
    ann = api.post("/v1/customers")["id"]
    error = api.post(path(ann), {"type": "eu_vat", "value": "DE111"})["error"]
    assert (error["code"], error["param"]) == ("tax_id_invalid", "value")
    error = api.post("/v1/customers", {"tax_id_data[0][type]": "eu_vat", "tax_id_data[0][value]": "DE111"})[
        "error"
    ]
    assert (error["code"], error["param"]) == ("tax_id_invalid", "tax_id_data[0][value]")
    assert len(api.get("/v1/customers")["data"]) == 1
    assert api.post(path(ann), {"type": "eu_wat", "value": "1"})["error"]["param"] == "type"


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("DE000000000", "verified"),
        ("DE111111111", "unverified"),
        ("DE222222222", "pending"),
        ("IE6388047V", "unavailable"),
    ],
)
def test_a_number_is_looked_up_after_it_was_created(api: Any, value: str, status: str) -> None:
    ann = api.post("/v1/customers")["id"]
    made = api.post(path(ann), {"type": "eu_vat", "value": value})
    assert made["verification"]["status"] == "pending"
    jobs.run_due(api.app.db, clock="wall", until=api.app.db.wall())
    assert api.get(path(ann, f"/{made['id']}"))["verification"]["status"] == status
    emitted = "customer.tax_id.updated" in api.event_types()
    assert emitted == (status != "pending")


def test_a_customer_is_created_with_tax_ids_five_at_most(api: Any) -> None:
    sent = {f"tax_id_data[{n}][type]": "zw_tin" for n in range(5)}
    sent |= {f"tax_id_data[{n}][value]": f"100{n}" for n in range(5)}
    made = api.post("/v1/customers", {**sent, "expand[]": "tax_ids"})
    assert [row["value"] for row in reversed(made["tax_ids"]["data"])] == [
        "1000",
        "1001",
        "1002",
        "1003",
        "1004",
    ]
    assert api.event_types() == ["customer.created", *["customer.tax_id.created"] * 5]
    assert api.post(path(made["id"]), {"type": "zw_tin", "value": "1005"}).status == 400


def test_a_tax_id_is_deleted_by_its_own_customer_only(api: Any) -> None:
    ann, bob = api.post("/v1/customers")["id"], api.post("/v1/customers")["id"]
    id = api.post(path(ann), {"type": "us_ein", "value": GOOD["us_ein"]})["id"]
    assert api.get(path(bob, f"/{id}")).status == 404 and api.delete(path(bob, f"/{id}")).status == 404
    assert api.delete(path(ann, f"/{id}")) == {"id": id, "object": "tax_id", "deleted": True}
    assert api.get(path(ann, f"/{id}")).status == 404
    assert api.event_types()[-1] == "customer.tax_id.deleted"


def test_tax_ids_of_the_account_are_listed_apart_from_those_of_customers(
    api: Any, contract: ModuleType
) -> None:
    ann = api.post("/v1/customers")["id"]
    own = api.post("/v1/tax_ids", {"type": "gb_vat", "value": GOOD["gb_vat"]})
    assert contract.problems(own) == [] and (own["owner"]["type"], own["verification"]) == ("self", None)
    owner = {"owner[type]": "customer", "owner[customer]": ann}
    hers = api.post("/v1/tax_ids", {"type": "gb_vat", "value": GOOD["gb_vat"], **owner})
    assert hers["customer"] == ann
    assert api.get("/v1/tax_ids")["data"] == [own] == api.get("/v1/tax_ids", {"owner[type]": "self"})["data"]
    assert api.get("/v1/tax_ids", owner)["data"] == [hers]
    assert api.get("/v1/tax_ids", {"owner[type]": "customer"})["error"]["code"] == "parameter_missing"
    assert api.delete(f"/v1/tax_ids/{own['id']}")["deleted"] is True


def test_an_invoice_keeps_the_tax_ids_of_its_finalization(api: Any) -> None:
    ann = api.post("/v1/customers")["id"]
    id = api.post(path(ann), {"type": "eu_vat", "value": "IE6388047V"})["id"]
    api.post("/v1/invoiceitems", {"customer": ann, "amount": "1000", "currency": "usd"})
    draft = api.post(
        "/v1/invoices",
        {
            "customer": ann,
            "pending_invoice_items_behavior": "include",
            "collection_method": "send_invoice",
            "days_until_due": "1",
        },
    )
    done = api.post(f"/v1/invoices/{draft['id']}/finalize")
    assert done["customer_tax_ids"] == [{"type": "eu_vat", "value": "IE6388047V"}]
    api.delete(path(ann, f"/{id}"))
    assert api.get(f"/v1/invoices/{draft['id']}")["customer_tax_ids"] == done["customer_tax_ids"]


def test_the_tax_location_of_a_customer_follows_its_address(api: Any, contract: ModuleType) -> None:
    made = api.post("/v1/customers", {"tax[ip_address]": "192.0.2.1", "expand[]": "tax"})
    assert contract.problems(made) == []
    assert (made["tax"]["ip_address"], made["tax"]["location"]) == ("192.0.2.1", None)
    assert "tax" not in api.get(f"/v1/customers/{made['id']}")
    moved = api.post(f"/v1/customers/{made['id']}", {"address[country]": "CH", "expand[]": "tax"})
    assert moved["tax"]["location"] == {"country": "CH", "source": "billing_address", "state": None}
    assert moved["tax"]["ip_address"] == "192.0.2.1" and contract.problems(moved) == []
    nowhere = api.post("/v1/customers", {"tax[validate_location]": "immediately"})
    assert nowhere["error"]["code"] == "customer_tax_location_invalid"
    known = {"tax[validate_location]": "immediately", "address[country]": "CH"}
    assert api.post("/v1/customers", known).status == 200


def test_automatic_tax_says_whether_it_is_known_where_a_customer_lives(
    api: Any, contract: ModuleType
) -> None:
    """§12.1: an account has no registration, and without an address nobody knows the country."""
    expand = {"expand[]": "tax"}
    for given, said in (
        ({}, ("unrecognized_location", None)),
        ({"tax[ip_address]": "192.0.2.1", "address[city]": "Bern"}, ("unrecognized_location", None)),
        ({"address[country]": "CH"}, ("not_collecting", "billing_address")),
        (
            {"shipping[name]": "A", "shipping[address][country]": "CH"},
            ("not_collecting", "shipping_destination"),
        ),
    ):
        made = api.post("/v1/customers", {**given, **expand})
        assert contract.problems(made) == []
        assert (made["tax"]["automatic_tax"], (made["tax"]["location"] or {}).get("source")) == said
    nobody = api.post("/v1/customers")["id"]
    found = [
        api.post(f"/v1/customers/{nobody}", {**change, **expand})["tax"]["automatic_tax"]
        for change in ({"address[country]": "CH"}, {"address": ""}, {"name": "Anna"})
    ]
    assert found == ["not_collecting", "unrecognized_location", "unrecognized_location"]
