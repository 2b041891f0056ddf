"""Make an open invoice, of which a credit note can be made."""

from tests.conftest import Api

AGING = {"report_type": "billow.aging.1", "parameters[interval_end]": "1767229200"}
"""What runs the report of what is owed, of which credit notes are a part."""


def open_invoice(api: Api, customer: str | None = None) -> str:
    """Finalize an invoice of 1.00 that is sent to its customer, and return its id."""
    owner = customer or api.post("/v1/customers", {"name": "Ann"})["id"]
    sent = {"collection_method": "send_invoice", "days_until_due": "14"}
    invoice = api.post("/v1/invoices", {"customer": owner, **sent})
    assert invoice.status == 200, invoice
    item = {"customer": owner, "amount": "100", "currency": "usd", "invoice": invoice["id"]}
    assert api.post("/v1/invoiceitems", item).status == 200
    finalized = api.post(f"/v1/invoices/{invoice['id']}/finalize", {})
    assert finalized["status"] == "open", finalized
    return str(invoice["id"])
