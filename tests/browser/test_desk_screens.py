"""Can people of a billing department use ledger, bank, settings and set-up in a browser, and by keyboard?"""

from collections.abc import Callable
from typing import Any

from billow.app import App
from billow.flows.bank import import_statement as importing
from tests.browser.test_pages import problems
from tests.support.bank_statements import Booking, statement
from tests.support.world import World

Visit = Callable[..., Any]


def owes(world: World, name: str, amount: int) -> dict[str, Any]:
    customer = world.post("/v1/customers", name=name)["id"]
    how = {"collection_method": "send_invoice", "days_until_due": 14}
    draft = world.post("/v1/invoices", customer=customer, currency="eur", **how)["id"]
    world.post("/v1/invoiceitems", customer=customer, invoice=draft, amount=amount, currency="eur")
    return world.post(f"/v1/invoices/{draft}/finalize")


def test_a_payment_finds_its_invoice_by_keyboard(app: App, world: World, desk: Callable[..., Any]) -> None:
    invoice = owes(world, "Anna Berg", 4800)
    content = statement([Booking(4800, "R1", name="Anna Berg", text=f"paid {invoice['number']}")])
    importing.import_statement(app.db, world.api.tenant, "march.xml", content)
    page = desk("/bank")
    page.get_by_role("link", name="Anna Berg").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="May be for").wait_for()
    assert problems(page) == []
    page.get_by_role("button", name="Apply", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Take it back").wait_for()
    assert world.get(f"/v1/invoices/{invoice['id']}")["status"] == "paid"
    page.goto(page.url.replace(page.url.split("/test")[1], "/ledger/journal"))
    page.get_by_role("link", name="Bank applied").first.click()
    page.get_by_role("link", name=invoice["number"]).first.click()
    page.get_by_role("heading", name=invoice["number"]).wait_for()


def test_the_company_is_entered_and_what_is_wrong_is_said(world: World, desk: Callable[..., Any]) -> None:
    page = desk("/setup")
    page.get_by_role("link", name="Say who sells").click()
    page.get_by_label("Legal name").fill("Acme AB")
    page.get_by_label("City").fill("Lund")
    page.get_by_label("Tax numbers").fill("eu_vat:12")
    page.get_by_role("button", name="Save").click()
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert "does not look like a tax number" in alert.inner_text()
    assert page.get_by_label("City").input_value() == "Lund"
    page.get_by_label("Tax numbers").fill("eu_vat:SE556000475501")
    page.get_by_role("button", name="Save").press("Enter")
    page.get_by_role("status").wait_for()
    page.get_by_role("link", name="Set-up").click()
    page.get_by_text("Nothing is missing").first.wait_for()
