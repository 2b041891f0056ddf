"""Do invoices, their lines, items and payments work through the official library?"""

import pytest
import stripe

from tests.conformance.conftest import Shop, Whole


def test_a_draft_is_changed_finalized_and_paid(shop: Shop, whole: Whole) -> None:
    draft = whole(shop.billed(description="Thanks", custom_fields=[{"name": "PO", "value": "7"}]))
    assert (draft.status, draft.number, draft.total) == ("draft", None, 5000)
    changed = whole(shop.v1.invoices.update(draft.id, params={"metadata": {"a": "1"}, "footer": "Bye"}))
    assert changed.footer == "Bye"
    opened = whole(shop.v1.invoices.finalize_invoice(draft.id, params={"auto_advance": False}))
    assert (opened.status, opened.amount_remaining) == ("open", 5000)
    assert opened.number
    paid = whole(shop.v1.invoices.pay(draft.id))
    assert (paid.status, paid.amount_paid) == ("paid", 5000)
    for line in shop.v1.invoices.line_items.list(draft.id).data:
        whole(line)
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        shop.v1.invoices.pay(draft.id)


def test_its_payments_can_be_expanded_and_found_by_their_intent(shop: Shop, whole: Whole) -> None:
    draft = shop.billed()
    shop.v1.invoices.pay(draft.id)
    expand = ["payments", "confirmation_secret", "customer", "payments.data.invoice"]
    invoice = whole(shop.v1.invoices.retrieve(draft.id, params={"expand": expand}))
    assert invoice.customer.email == "anna@example.com"
    [payment] = invoice.payments.data
    intent = payment.payment.payment_intent
    assert payment.invoice.id == draft.id
    by_intent = {"payment": {"type": "payment_intent", "payment_intent": intent}}
    [found] = shop.v1.invoice_payments.list(params=by_intent).data
    assert found.invoice == draft.id
    assert whole(shop.v1.invoice_payments.retrieve(found.id)).status == "paid"


def test_it_is_voided_given_up_sent_or_deleted(shop: Shop, whole: Whole) -> None:
    void = shop.billed()
    shop.v1.invoices.finalize_invoice(void.id)
    assert whole(shop.v1.invoices.void_invoice(void.id)).status == "void"
    lost = shop.billed()
    shop.v1.invoices.finalize_invoice(lost.id)
    assert whole(shop.v1.invoices.mark_uncollectible(lost.id)).status == "uncollectible"
    sent = shop.billed(collection_method="send_invoice", days_until_due=5)
    assert whole(shop.v1.invoices.send_invoice(sent.id)).status == "open"
    gone = shop.billed()
    assert shop.v1.invoices.delete(gone.id).deleted
    found = shop.v1.invoices.list(params={"limit": 3}).data
    assert [invoice.id for invoice in found] == [sent.id, lost.id, void.id]
    open_ones = shop.v1.invoices.list(params={"status": "open", "customer": sent.customer}).data
    assert [invoice.id for invoice in open_ones] == [sent.id]


def test_the_first_invoice_of_a_subscription_names_it(shop: Shop, whole: Whole) -> None:
    plan = shop.subscribed(metadata={"team": "blue"})
    invoice = whole(shop.v1.invoices.retrieve(plan.latest_invoice))
    assert invoice.parent.subscription_details.subscription == plan.id
    assert invoice.parent.subscription_details.metadata["team"] == "blue"
    line = whole(invoice.lines.data[0])
    assert line.parent.subscription_item_details.subscription_item == plan["items"].data[0].id
    assert line.pricing.price_details.price == plan["items"].data[0].price.id
    by_subscription = shop.v1.invoices.list(params={"subscription": plan.id}).data
    assert [found.id for found in by_subscription] == [invoice.id]


def test_an_item_is_created_changed_listed_and_deleted(shop: Shop, whole: Whole) -> None:
    customer = shop.customer()
    items = shop.v1.invoice_items
    given = {"customer": customer.id, "unit_amount_decimal": "12.5", "quantity": 3, "currency": "usd"}
    item = whole(items.create(params=given))
    assert (item.amount, item.quantity) == (38, 3)
    assert whole(items.update(item.id, params={"quantity": 4, "description": "Gold"})).amount == 50
    once = shop.v1.prices.create(
        params={"currency": "usd", "unit_amount": 700, "product_data": {"name": "Fee"}}
    )
    priced = whole(
        items.create(params={"customer": customer.id, "pricing": {"price": once.id}, "quantity": 2})
    )
    assert (priced.amount, priced.description, priced.pricing.price_details.price) == (1400, "Fee", once.id)
    assert len(items.list(params={"customer": customer.id, "pending": True}).data) == 2
    whole(items.retrieve(priced.id))
    assert items.delete(item.id).deleted
    invoice = shop.v1.invoices.create(
        params={"customer": customer.id, "pending_invoice_items_behavior": "include"}
    )
    assert invoice.total == 1400
    assert items.list(params={"customer": customer.id, "pending": True}).data == []
    assert [found.id for found in items.list(params={"invoice": invoice.id}).data] == [priced.id]
    extra = items.create(
        params={"invoice": invoice.id, "customer": customer.id, "amount": -200, "currency": "usd"}
    )
    assert not extra.discountable
    assert shop.v1.invoices.retrieve(invoice.id).total == 1200
