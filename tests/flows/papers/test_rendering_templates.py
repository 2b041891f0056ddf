"""Do papers look as their template says, and finalized ones as it said then?"""

from typing import Any

import pytest

from billow.api import rows
from billow.app import App
from billow.flows.papers import einvoice, invoice_document
from billow.providers.documents import InvoiceDocument
from billow.resources.invoice import Invoice
from tests.support.world import World

TEMPLATES = "/v1/invoice_rendering_templates"
LOOKS = {
    "nickname": "Large customers",
    "memo": "Thank you for your trust.",
    "footer": "Nimbus Ltd, Bath",
    "custom_fields": [{"name": "Department", "value": "Cloud"}],
    "amount_tax_display": "exclude_tax",
    "page_size": "letter",
    "line_order": "product",
}


@pytest.fixture
def template(world: World) -> dict[str, Any]:
    world.at("2026-01-01")
    return world.post(TEMPLATES, **LOOKS)


def paper(app: App, world: World, invoice: str) -> InvoiceDocument:
    with app.db.transaction(world.api.tenant) as tx:
        return invoice_document.document_of(tx, rows.find(tx, Invoice, invoice))


def drafted(world: World, customer: str, **more: Any) -> dict[str, Any]:
    world.post("/v1/invoiceitems", customer=customer, amount=1000, currency="eur", description="Work")
    more = {"collection_method": "send_invoice", "days_until_due": 30, **more}
    return world.post("/v1/invoices", customer=customer, currency="eur", **more)


def test_a_template_is_as_stripes_object(world: World, template: dict[str, Any], contract: Any) -> None:
    assert contract.problems(template) == []
    assert (template["version"], template["status"], template["nickname"]) == (1, "active", "Large customers")
    named = world.post(f"{TEMPLATES}/{template['id']}", nickname="All", metadata={"a": "b"})
    assert (named["version"], named["metadata"]) == (1, {"a": "b"})
    second = world.post(f"{TEMPLATES}/{template['id']}", memo="Thanks.")
    assert second["version"] == 2
    assert world.get(f"{TEMPLATES}/{template['id']}", version=1)["version"] == 1
    assert world.get(f"{TEMPLATES}/{template['id']}/looks", version=1)["memo"] == LOOKS["memo"]
    said = world.get(f"{TEMPLATES}/{template['id']}/looks")
    assert (said["memo"], said["footer"], said["version"]) == ("Thanks.", LOOKS["footer"], 2)


def test_a_template_is_archived_listed_by_status_and_brought_back(
    world: World, template: dict[str, Any]
) -> None:
    at = f"{TEMPLATES}/{template['id']}"
    anna = world.customer("anna", invoice_settings={"rendering_options": {"template": template["id"]}})
    assert world.post(f"{at}/archive")["status"] == "archived"
    assert [one["id"] for one in world.get(TEMPLATES, status="archived")["data"]] == [template["id"]]
    assert world.get(TEMPLATES, status="active")["data"] == []
    assert "archived" in world.refused(at, memo="No")["message"]
    kept = drafted(world, anna.id)
    assert kept["rendering"]["template"] == template["id"]  # what names it already keeps it
    refused = world.refused(f"/v1/invoices/{kept['id']}", rendering={"template": template["id"]})
    assert refused["param"] == "rendering[template]"
    world.post(f"{at}/unarchive")
    world.post(f"/v1/invoices/{kept['id']}", rendering={"template": template["id"]})


def test_papers_follow_the_template_where_the_invoice_says_nothing(
    app: App, world: World, template: dict[str, Any]
) -> None:
    anna = world.customer("anna")
    draft = drafted(world, anna.id, rendering={"template": template["id"]})
    found = paper(app, world, draft["id"])
    assert (found.notes, found.footer, found.page) == ((LOOKS["memo"],), LOOKS["footer"], "us-letter")
    assert ("Department", "Cloud") in found.details
    assert (draft["footer"], draft["description"], draft["custom_fields"]) == (None, None, None)
    own = world.post(
        f"/v1/invoices/{draft['id']}",
        description="Own",
        footer="Ours",
        rendering={"pdf": {"page_size": "a4"}},
    )
    found = paper(app, world, own["id"])
    assert (found.notes, found.footer, found.page) == (("Own",), "Ours", "a4")


def test_a_finalized_invoice_keeps_the_version_that_it_was_issued_with(
    app: App, world: World, template: dict[str, Any]
) -> None:
    anna = world.customer("anna", invoice_settings={"rendering_options": {"template": template["id"]}})
    draft = drafted(world, anna.id)
    assert draft["rendering"]["template_version"] is None
    issued = world.post(f"/v1/invoices/{draft['id']}/finalize")
    assert issued["rendering"]["template_version"] == 1
    world.post(f"{TEMPLATES}/{template['id']}", memo="Something else")
    assert paper(app, world, draft["id"]).notes == (LOOKS["memo"],)
    with app.db.transaction(world.api.tenant) as tx:
        assert einvoice.einvoice_of(tx, rows.find(tx, Invoice, draft["id"])).note == LOOKS["memo"]
    later = drafted(world, anna.id)
    assert paper(app, world, later["id"]).notes == ("Something else",)
    world.post(f"/v1/invoices/{later['id']}", rendering={"template_version": 1})
    assert paper(app, world, later["id"]).notes == (LOOKS["memo"],)
    world.post(f"/v1/invoices/{later['id']}", rendering={"template": ""})
    assert paper(app, world, later["id"]).notes == ()


def test_lines_of_a_product_stand_together(app: App, world: World, template: dict[str, Any]) -> None:
    anna = world.customer("anna", invoice_settings={"rendering_options": {"template": template["id"]}})
    one, other = world.once("One", eur=5), world.once("Other", eur=7)
    for price in (one, other, one):
        world.post("/v1/invoiceitems", customer=anna.id, pricing={"price": price})
    draft = world.post(
        "/v1/invoices", customer=anna.id, currency="eur", pending_invoice_items_behavior="include"
    )
    assert [line.description for line in paper(app, world, draft["id"]).lines] in (
        ["One", "One", "Other"],
        ["Other", "One", "One"],
    )
    billed = [line["description"] for line in world.get(f"/v1/invoices/{draft['id']}")["lines"]["data"]]
    assert billed == ["One", "Other", "One"]


def test_what_cannot_be_is_refused(world: World, template: dict[str, Any]) -> None:
    anna = world.customer("anna")
    draft = drafted(world, anna.id)["id"]
    for rendering, param in (
        ({"template": "inrtem_none"}, "rendering[template]"),
        ({"template_version": 1}, "rendering[template_version]"),
        ({"template": template["id"], "template_version": 2}, "rendering[template_version]"),
    ):
        assert world.refused(f"/v1/invoices/{draft}", rendering=rendering)["param"] == param
    settings = {"rendering_options": {"template": "inrtem_none"}}
    at = "invoice_settings[rendering_options][template]"
    assert world.refused(f"/v1/customers/{anna.id}", invoice_settings=settings)["param"] == at
    assert world.refused("/v1/customers", invoice_settings=settings)["param"] == at
