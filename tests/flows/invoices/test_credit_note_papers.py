"""Is a credit note shown, previewed, printed and mailed, and does voiding an invoice make one?"""

from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest

from billow.app import App
from billow.flows.outside import merchant
from tests.flows.invoices.test_credit_notes import billed, credit, custom, lines_of, of, paid, refused
from tests.flows.papers.test_mail import letters, read
from tests.support.world import Invoice, World

__all__ = ["letters"]


def taxed(world: World, *amounts: int, **more: Any) -> Invoice:
    """An open invoice with 25 % VAT on its lines."""
    world.at("2025-01-01")
    anna = world.customer("anna", card=None, email="anna@example.com")
    for amount in amounts:
        anna.owes(amount, text=f"Work {amount}")
    return billed(anna, default_tax_rates=[world.tax(25)], **more)


# ------------------------------------------------------------------------------------- shown


def test_a_credit_note_is_shown_as_the_contract_has_it(world: World, contract: ModuleType) -> None:
    invoice = paid(world, 10000, 5000)
    note = credit(world, invoice, lines=[custom(700)], refund_amount=300, credit_amount=400)
    assert (contract.problems(note), contract.absent(note)) == ([], [])
    path = f"/v1/credit_notes/{note['id']}"
    [line] = world.get(f"{path}/lines")["data"]
    assert contract.problems(line) == []
    whole = world.get(path, expand=["invoice", "customer_balance_transaction", "refunds.refund"])
    assert contract.problems(whole) == []
    assert whole["refunds"][0]["refund"]["amount"] == 300
    assert whole["customer_balance_transaction"]["credit_note"] == note["id"]


def test_credit_notes_are_listed_by_invoice_and_customer_and_changed(world: World) -> None:
    invoice = paid(world, 10000)
    notes = [credit(world, invoice, amount=100, credit_amount=100)["id"] for _ in range(2)]
    for query in ({"invoice": invoice.data["id"]}, {"customer": invoice.data["customer"]}):
        assert [one["id"] for one in world.get("/v1/credit_notes", **query)["data"]] == notes[::-1]
    changed = world.post(f"/v1/credit_notes/{notes[0]}", memo="Sorry", metadata={"a": "1"})
    assert (changed["memo"], changed["metadata"]) == ("Sorry", {"a": "1"})


def test_the_terms_of_a_credit_note_are_kept(world: World) -> None:
    invoice = taxed(world, 10000)
    at = 1735776000
    note = credit(
        world,
        invoice,
        amount=100,
        effective_at=at,
        reason="duplicate",
        memo="Twice",
        metadata={"a": "1"},
        email_type="none",
    )
    kept = {name: note[name] for name in ("effective_at", "reason", "memo", "metadata")}
    assert kept == {"effective_at": at, "reason": "duplicate", "memo": "Twice", "metadata": {"a": "1"}}
    line = credit(world, invoice, lines=[custom(100, metadata={"b": "2"})])["lines"]["data"][0]
    assert (line["metadata"], line["description"]) == ({"b": "2"}, "Late")
    early = refused(world, invoice, amount=100, effective_at=at - 10 * 86400)
    assert early["param"] == "effective_at"


def test_an_older_version_has_one_refund_and_tax_amounts(world: World) -> None:
    invoice = paid(world, 10000)
    [charge] = world.get("/v1/charges", customer=invoice.data["customer"])["data"]
    refund = world.post("/v1/refunds", charge=charge["id"], amount=300)["id"]
    sent = {"invoice": invoice.data["id"], "amount": "300", "refund": refund}
    old = {"Stripe_Version": "2024-06-20"}
    assert world.api.post("/v1/credit_notes", sent)["error"]["code"] == "parameter_unknown"
    note = world.api.post("/v1/credit_notes", sent, **old)
    assert (note["refund"], note["tax_amounts"]) == (refund, [])
    seen = world.api.get(f"/v1/credit_notes/{note['id']}", {"expand[]": "refund"}, **old)
    assert seen["refund"]["amount"] == 300
    assert seen["lines"]["data"][0]["amount_excluding_tax"] == 300


# ------------------------------------------------------------------------------------- refused

WRONG = [
    ({}, "amount"),
    ({"amount": 100, "lines": [custom(1)]}, "amount"),
    ({"shipping_cost": {"shipping_rate": "{rate}"}}, "shipping_cost"),
    ({"lines": [{**custom(1), "amount": 5}]}, "lines[0][amount]"),
    ({"lines": [custom(1, unit_amount_decimal="2")]}, "lines[0][unit_amount_decimal]"),
    ({"lines": [{"type": "custom_line_item", "quantity": 1}]}, "lines[0][unit_amount]"),
    ({"lines": [{"type": "invoice_line_item", "amount": 1}]}, "lines[0][invoice_line_item]"),
    ({"lines": [of({"id": "il_none"}, amount=1)]}, "lines[0][invoice_line_item]"),
    ({"lines": [of({"id": "il_none"}, amount=1, quantity=1)]}, "lines[0][amount]"),
    ({"lines": [of({"id": "il_none"})]}, "lines[0][quantity]"),
    ({"lines": [of({"id": "il_none"}, amount=1, unit_amount=2)]}, "lines[0][unit_amount]"),
    ({"amount": 100, "refunds": [{"amount_refunded": 5}]}, "refunds[0][refund]"),
    ({"amount": 100, "credit_amount": 100}, "credit_amount"),
    ({"amount": 12501}, "amount"),
    ({"lines": [custom(12501)]}, "amount"),
    ({"lines": [custom(12000)]}, "lines"),
]


def test_what_cannot_be_credited_is_refused_with_its_param(world: World) -> None:
    invoice = taxed(world, 10000)
    money = {"type": "fixed_amount", "fixed_amount": {"amount": 5, "currency": "usd"}}
    rate = world.post("/v1/shipping_rates", display_name="Post", **money)["id"]
    for form, param in WRONG:
        sent = {"shipping_cost": {"shipping_rate": rate}} if "shipping_cost" in form else form
        assert refused(world, invoice, **sent)["param"] == param, (form, param)
    assert invoice.now["amount_due"] == 12500


@pytest.mark.parametrize("status", ["draft", "void"])
def test_a_draft_and_a_void_invoice_are_not_credited(world: World, status: str) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    anna.owes(100)
    invoice = anna.bills()
    if status == "void":
        invoice.does("finalize")
        invoice.does("void")
    assert status in refused(world, invoice, amount=100)["message"]


def test_what_has_no_charge_is_not_refunded(world: World) -> None:
    invoice = taxed(world, 10000)
    invoice.does("pay", paid_out_of_band=True)
    assert refused(world, invoice, amount=100, refund_amount=100)["param"] == "refund_amount"


# ------------------------------------------------------------------------------------- previews


def test_a_preview_says_what_would_be_issued_and_issues_nothing(world: World, contract: ModuleType) -> None:
    invoice = taxed(world, 10000, 4000)
    wanted = {
        "invoice": invoice.data["id"],
        "lines": [of(one, amount=1000) for one in lines_of(world, invoice)],
    }
    world.forget()
    seen = world.get("/v1/credit_notes/preview", **wanted)
    world.check_events([])
    assert contract.problems(seen) == []
    assert world.get("/v1/credit_notes")["data"] == []
    made = world.post("/v1/credit_notes", **wanted)
    same = ("total", "subtotal", "total_taxes", "number", "type", "pre_payment_amount")
    assert {name: seen[name] for name in same} == {name: made[name] for name in same}


def test_the_lines_of_a_preview_are_paged(world: World) -> None:
    invoice = taxed(world, *range(1000, 1003))
    lines = [of(one, amount=500) for one in lines_of(world, invoice)]
    path, wanted = "/v1/credit_notes/preview/lines", {"invoice": invoice.data["id"], "lines": lines}
    first = world.get(path, **wanted, limit=2)
    assert (len(first["data"]), first["has_more"]) == (2, True)
    rest = world.get(path, **wanted, starting_after=first["data"][-1]["id"])
    assert (len(rest["data"]), rest["has_more"]) == (1, False)
    back = world.get(path, **wanted, ending_before=rest["data"][0]["id"], limit=1)
    assert (back["data"], back["has_more"]) == ([first["data"][1]], True)


def test_a_preview_of_a_paid_invoice_needs_no_allocation(world: World) -> None:
    invoice = paid(world, 10000)
    seen = world.get("/v1/credit_notes/preview", invoice=invoice.data["id"], amount=700)
    assert (seen["type"], seen["post_payment_amount"]) == ("post_payment", 700)


# ------------------------------------------------------------------------------------- papers and mails


def page(app: App, url: str) -> tuple[int, str]:
    answer = app.wsgi.test_client().get(urlsplit(url).path)
    return answer.status_code, answer.get_data(as_text=True)


def test_the_paper_refers_to_the_invoice_and_has_its_taxes(app: App, world: World) -> None:
    invoice = taxed(world, 10000)
    [line] = lines_of(world, invoice)
    note = credit(world, invoice, lines=[of(line, amount=4000)], memo="Half a day less")
    status, text = page(app, note["pdf"].removesuffix("/pdf"))
    assert status == 200
    for word in ("Credit note", note["number"], f"Invoice {invoice.data['number']} of January 1, 2025"):
        assert word in text
    for word in ("Half a day less", "VAT (25%) on $40.00", "$10.00", "$50.00", "Nimbus Ltd", "anna"):
        assert word in text
    client = app.wsgi.test_client()
    answer = client.get(urlsplit(note["pdf"]).path)
    assert (answer.status_code, answer.data[:5]) == (200, b"%PDF-")
    assert page(app, note["pdf"].replace(note["id"], "cn_other"))[0] == 404
    _, paper = page(app, f"{invoice.now['hosted_invoice_url']}/document")
    assert "Credit notes" in paper and "$75.00" in paper


def test_a_credit_note_is_mailed_with_its_paper(world: World, letters: Path) -> None:
    invoice = taxed(world, 10000)
    credit(world, invoice, amount=100, email_type="none")
    note = credit(world, invoice, amount=2500)
    world.work()
    [mail] = [one for one in read(letters) if "Credit note" in str(one["Subject"])]
    assert mail["Subject"] == f"Credit note {note['number']} from Nimbus Ltd: US$25.00"
    body = mail.get_body(("plain",))
    assert body is not None and "$99.00 remains to be paid" in " ".join(body.get_content().split())
    assert [part.get_filename() for part in mail.iter_attachments()] == [f"{note['number']}.pdf"]


# ------------------------------------------------------------------------------------- voided invoices


def in_country(app: App, world: World, country: str) -> None:
    with app.db.transaction(world.api.tenant) as tx:
        tx.run("update accounts set country = %(country)s where id = %(id)s", country=country, id=tx.account)


@pytest.mark.parametrize(
    ("country", "wanted", "made"),
    [("SE", None, True), ("US", None, False), ("SE", False, False), ("US", True, True)],
)
def test_voiding_an_invoice_of_a_seller_in_the_eu_issues_a_credit_note(
    app: App, world: World, country: str, wanted: bool | None, made: bool
) -> None:
    in_country(app, world, country)
    with app.db.transaction(world.api.tenant) as tx:
        merchant.store(tx, merchant.Merchant(void_credit_notes=wanted))
    invoice = taxed(world, 10000, 4000)
    invoice.does("void")
    notes = world.get("/v1/credit_notes", invoice=invoice.data["id"])["data"]
    assert len(notes) == made
    if made:
        [note] = notes
        assert (note["total"], note["total_taxes"][0]["amount"], note["status"]) == (17500, 3500, "issued")
        assert (note["pre_payment_amount"], len(note["lines"]["data"])) == (17500, 2)
        assert invoice.now["pre_payment_credit_notes_amount"] == 17500
        assert "is void" in world.refused(f"/v1/credit_notes/{note['id']}/void")["message"]


def test_the_credit_note_of_a_voided_invoice_is_of_what_was_left(app: App, world: World) -> None:
    in_country(app, world, "DE")
    invoice = taxed(world, 10000)
    credit(world, invoice, amount=2500)
    invoice.does("void")
    last, first = world.get("/v1/credit_notes", invoice=invoice.data["id"])["data"]
    assert (first["total"], last["total"], last["number"][-5:]) == (2500, 10000, "-0002")


def test_the_balance_that_a_voided_invoice_had_used_is_on_its_credit_note(app: App, world: World) -> None:
    in_country(app, world, "DE")
    world.at("2025-01-01")
    anna = world.customer("anna", card=None, balance=-3000)
    anna.owes(10000)
    invoice = billed(anna)
    invoice.does("void")
    [note] = world.get("/v1/credit_notes", invoice=invoice.data["id"])["data"]
    assert (note["type"], note["pre_payment_amount"], note["post_payment_amount"]) == ("mixed", 7000, 3000)
    assert note["customer_balance_transaction"] is not None
    assert anna.now["balance"] == -3000
