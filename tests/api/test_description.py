"""Does the API description match what the server does, for machines and for people?"""

import json
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from billow.api import fields as f
from billow.api.fields import WRITE
from billow.api.operation import verbs
from billow.api.params import Params
from billow.api.resource import ROUTES, Verb
from billow.pages import description, manual
from tests.conftest import shared


@pytest.fixture(scope="module")
def page(app: Any) -> dict[str, Any]:
    return description.describe(described())


def described() -> list[Verb]:
    """The operations of the newest version: those that only older ones have are not described."""
    return [verb for verb in verbs(ROUTES) if not verb.until]


def test_every_operation_is_described_with_its_parameters(api: Any) -> None:
    page = api.get("/openapi.json", Authorization="")
    assert page["openapi"].startswith("3.1")
    create = page["paths"]["/v1/products"]["post"]
    form = create["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    assert form["required"] == ["name"] and "default_price_data" in form["properties"]
    assert form["properties"]["type"] == {"type": "string", "enum": ["good", "service"]}
    assert create["summary"] == "Create a product, and its default price from `default_price_data`."
    listed = page["paths"]["/v1/products"]["get"]["parameters"]
    assert {"limit", "created", "active", "ids", "expand"} <= {parameter["name"] for parameter in listed}
    one = page["paths"]["/v1/customers/{id}"]
    assert set(one) == {"get", "post", "delete"}
    assert one["get"]["parameters"][0] == {
        "name": "id",
        "in": "path",
        "required": True,
        "schema": {"type": "string"},
    }
    shown = page["components"]["schemas"]["customer"]["properties"]
    assert "deleted" not in shown and "payment_method" not in shown and "email" in shown


def test_the_description_is_valid_openapi(page: dict[str, Any]) -> None:
    assert list(OpenAPIV31SpecValidator(page).iter_errors()) == []
    broken = {**page, "info": {"title": "billow"}}
    assert list(OpenAPIV31SpecValidator(broken).iter_errors()) != []


def test_every_route_is_described_and_has_a_sentence(page: dict[str, Any]) -> None:
    routes = {(verb.path, verb.method.lower()) for verb in described()}
    assert routes == {(path, method) for path, methods in page["paths"].items() for method in methods}
    for path, methods in page["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"].endswith((".", "*", ",")), f"{method} {path}"
            assert set(operation["responses"]) > {"200", "401"}, f"{method} {path}"


def test_refusals_are_described_as_the_server_gives_them(api: Any, page: dict[str, Any]) -> None:
    told = page["components"]["responses"]["400"]["content"]["application/json"]["example"]
    assert api.get("/v1/customers", {"colour": "red"})["error"]["code"] == told["error"]["code"]
    missing = page["components"]["responses"]["404"]["content"]["application/json"]["example"]
    assert api.get("/v1/customers/none")["error"].keys() == missing["error"].keys()
    assert "402" in page["paths"]["/v1/invoices/{id}/pay"]["post"]["responses"]
    assert "409" not in page["paths"]["/v1/invoices"]["get"]["responses"]


def test_examples_have_the_fields_of_the_objects(api: Any, page: dict[str, Any]) -> None:
    for noun, sent in (("customers", {}), ("products", {"name": "Server"})):
        shown = api.post(f"/v1/{noun}", sent)
        example = page["components"]["schemas"][shown["object"]]["example"]
        assert list(example) == list(shown), noun


def test_a_sentence_below_a_field_is_its_description() -> None:
    class Wanted(Params):
        name: str | None = f.text(WRITE)
        """What it is called."""

    def run(tx: Any, wanted: Wanted) -> None:
        """Do it.

        At once.
        """

    told = description.describe([Verb("route", "POST", "/v1/things/do", run, None, Wanted)])
    operation = told["paths"]["/v1/things/do"]["post"]
    assert (operation["summary"], operation["description"]) == ("Do it.", "At once.")
    form = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    assert form["properties"]["name"]["description"] == "What it is called."


def test_the_contract_reads_the_description(page: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "page.json"
    file.write_text(json.dumps(page))
    checker = shared("contract", "stripe_contract.py")
    told = subprocess.run([sys.executable, str(checker), "params", str(file)], capture_output=True, text=True)
    assert "parameters declared" in told.stdout, told.stderr
    assert "POST   /v1/billing/meters:" not in told.stdout, "meters take every parameter of the contract"


# ------------------------------------------------------------------------------------- for people


def html(api: Any, path: str) -> str:
    answer = api.app.wsgi.test_client().get(path)
    assert answer.status_code == 200 and answer.mimetype == "text/html", path
    assert "script" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    return str(answer.get_data(as_text=True))


def test_every_operation_has_its_place_on_a_page(api: Any, page: dict[str, Any]) -> None:
    every = manual.operations(page)
    assert html(api, "/docs").count("<details id=") == len(every)
    for tag in {one.tag for one in every}:
        text = html(api, f"/docs/{tag}")
        for one in every:
            assert (f'id="{one.anchor}"' in text) == (one.tag == tag), one


def test_a_page_needs_nothing_from_elsewhere(api: Any) -> None:
    text = unescape(html(api, "/docs/subscription"))
    assert "<script" not in text and not re.search(r'(src|href)="(https?:)?//', text)
    assert "items[][price]" in text and "required" in text and '"object": "subscription"' in text


def test_an_operation_is_found_by_its_words(api: Any) -> None:
    text = html(api, "/docs?q=customers+search")
    assert "/v1/customers/search" in text and "/v1/meters" not in text
    assert "&lt;b&gt;" in html(api, "/docs?q=<b>") and "<b>x" not in html(api, "/docs?q=<b>x")
    assert api.app.wsgi.test_client().get("/docs/nothing").status_code == 404
