"""Can an invoice be credited, paid, refunded and voided at the same time (F20)?"""

from collections import Counter

from billow.app import App
from tests.conftest import Api
from tests.flows.invoices.test_concurrent_invoices import BUSY, at_once, draft, payer
from tests.support import invariants


def test_credit_notes_at_once_never_exceed_the_invoice(app: App, api: Api, http_url: str) -> None:
    invoice = draft(api, payer(api), 1000)
    api.post(f"/v1/invoices/{invoice}/finalize")
    answers = at_once(http_url, api, [("/v1/credit_notes", {"invoice": invoice, "amount": 300})] * 8)
    made = [body for status, body in answers if status == 200]
    refused = [body["error"] for status, body in answers if status != 200]
    assert 1 <= len(made) <= 3, answers
    assert all(error.get("code") in BUSY or "greater" in error["message"] for error in refused), refused
    numbers = sorted(note["number"][-5:] for note in made)
    assert numbers == [f"CN-{place:02d}" for place in range(1, len(made) + 1)]
    assert api.get(f"/v1/invoices/{invoice}")["amount_due"] == 1000 - 300 * len(made)
    invariants.check_all(app.db, api.tenant)


def test_a_credit_note_and_a_payment_at_once_take_the_amount_once(app: App, api: Api, http_url: str) -> None:
    customer = payer(api)
    for amount in (1000, 2000):
        invoice = draft(api, customer, amount)
        path = f"/v1/invoices/{invoice}"
        api.post(f"{path}/finalize")
        whole = {"invoice": invoice, "amount": amount}
        asked = [(f"{path}/pay", {}), ("/v1/credit_notes", whole), (f"{path}/void", {})] * 2
        answers = at_once(http_url, api, asked)
        after = api.get(path)
        won = Counter(body["object"] for status, body in answers if status == 200)
        assert after["status"] in ("open", "paid", "void"), answers
        assert won["credit_note"] <= 1
        paid = after["amount_paid"] + after["pre_payment_credit_notes_amount"]
        assert paid == (amount if after["status"] == "paid" else 0)
    invariants.check_all(app.db, api.tenant)


def test_refunds_and_credit_notes_at_once_give_back_no_more_than_was_paid(
    app: App, api: Api, http_url: str
) -> None:
    customer = payer(api)
    invoice = draft(api, customer, 1000)
    api.post(f"/v1/invoices/{invoice}/finalize")
    assert api.post(f"/v1/invoices/{invoice}/pay")["status"] == "paid"
    [charge] = api.get("/v1/charges", {"customer": customer})["data"]
    noted = ("/v1/credit_notes", {"invoice": invoice, "amount": 400, "refund_amount": 400})
    answers = at_once(http_url, api, [noted, ("/v1/refunds", {"charge": charge["id"], "amount": 400})] * 3)
    given = [body for status, body in answers if status == 200]
    assert 1 <= len(given) <= 2, answers
    assert api.get(f"/v1/charges/{charge['id']}")["amount_refunded"] == 400 * len(given)
    invariants.check_all(app.db, api.tenant)
