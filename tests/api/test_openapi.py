"""Does the description say what the server does?"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conftest import shared


def test_every_operation_is_described_with_its_parameters(api: Any) -> None:
    page = api.get("/openapi.json", Authorization="")
    assert page["openapi"].startswith("3.1")
    create = page["paths"]["/v1/products"]["post"]
    form = create["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    assert form["required"] == ["name"] and "default_price_data" in form["properties"]
    assert form["properties"]["type"] == {"type": "string", "enum": ["good", "service"]}
    assert create["summary"] == "Create a product, with `default_price_data` also its first price."
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


def test_every_operation_has_a_sentence(api: Any) -> None:
    for path, verbs in api.get("/openapi.json")["paths"].items():
        for method, operation in verbs.items():
            assert operation["summary"].endswith((".", "*", ",")), f"{method} {path}"


def test_the_contract_reads_the_description(api: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.json"
    page.write_text(json.dumps(api.get("/openapi.json")))
    checker = shared("contract", "stripe_contract.py")
    told = subprocess.run([sys.executable, str(checker), "params", str(page)], capture_output=True, text=True)
    assert "parameters declared" in told.stdout, told.stderr
    assert "POST   /v1/billing/meters:" not in told.stdout, "meters take every parameter of the contract"
