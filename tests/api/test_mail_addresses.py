"""Is an email address that would inject a mail header or command refused, in every field for one?"""

from typing import Any

import pytest

from billow.api.fields import Field
from billow.api.operation import verbs
from billow.api.params import specs
from billow.api.resource import ROUTES, Verb
from billow.core.mail_addresses import is_address, is_line

GOOD = [
    "ann@example.com",
    "a.b+c@sub.example.co.uk",
    "ü@example.com",
    "ann@bücher.example",
    "o'neil@x.ch",
    "用户@例子.广告",
]
BAD = [
    "ann",
    "@x.ch",
    "ann@",
    "a@x.ch, b@x.ch",
    "a@x.ch;b@x.ch",
    "a@b@x.ch",
    "Ann <a@x.ch>",
    "a@x.ch\nBcc: b@x.ch",
    "a@x.ch\r\n",
    "a@x.ch\u2028",
    "a@x.ch\x1b[31m",
    "a b@x.ch",
    "a@x..ch",
    "a@-x.ch",
    "a@[192.0.2.1]",
    "a@x.ch\u202e",
]
LINES = ["Ann\nBcc: b@x.ch", "Ann\r", "Ann\tB", "Ann\x1b[31m", "Ann\x7f", "Ann\u2028B"]


@pytest.mark.parametrize("address", GOOD)
def test_an_address_of_any_script_is_taken(api: Any, address: str) -> None:
    assert is_address(address)
    assert api.post("/v1/customers", {"email": address})["email"] == address


@pytest.mark.parametrize("address", BAD)
def test_what_is_not_exactly_one_address_is_refused(api: Any, address: str) -> None:
    refused = api.post("/v1/customers", {"email": address})
    assert not is_address(address)
    error = refused["error"]
    assert (refused.status, error["param"], error["code"]) == (400, "email", "email_invalid")
    assert error["message"].isprintable() and api.get("/v1/customers")["data"] == []


@pytest.mark.parametrize("text", LINES)
def test_a_name_is_one_line(api: Any, text: str) -> None:
    assert not is_line(text)
    for name in ("name", "business_name", "individual_name", "phone", "shipping[name]"):
        refused = api.post("/v1/customers", {name: text})
        assert refused.status == 400 and refused["error"]["param"] == name


def test_names_of_all_scripts_are_lines() -> None:
    assert is_line("Zoë \N{WHITE FLAG}\u200d\N{RAINBOW} O'Neil") and is_line("علی\u200cرضا") and is_line("")


# ------------------------------------------------------------------------------------- every field

SINGLE = ("phone", "statement_descriptor", "statement_descriptor_suffix")


def fields(known: dict[str, Field], at: str = "") -> list[tuple[str, Field]]:
    """Every field, also of the hashes inside."""
    found = []
    for name, spec in known.items():
        found.append((f"{at}{name}", spec))
        shape = spec.shape or (spec.item.shape if spec.item else None)
        found += fields(specs(shape), f"{at}{name}.") if shape else []
    return found


def accepted(verb: Verb) -> dict[str, Field]:
    if verb.params:
        return specs(verb.params)
    return verb.resource.accepted(verb.kind) if verb.resource and verb.kind in ("create", "update") else {}


def test_every_field_of_an_address_or_a_descriptor_declares_its_format() -> None:
    for verb in verbs(ROUTES):
        for path, spec in fields(accepted(verb)):
            name = path.rpartition(".")[2]
            if spec.kind == "text" and name.endswith("email"):
                assert spec.format == "email", (verb.path, path)
            if spec.kind == "text" and name in SINGLE:
                assert spec.format == "line", (verb.path, path)
