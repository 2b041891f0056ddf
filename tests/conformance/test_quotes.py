"""Do quotes work through the official library?"""

import time
from typing import Any

import pytest
import stripe

from tests.conformance.conftest import Shop, Whole


def offered(shop: Shop, **more: Any) -> Any:
    coupon = shop.v1.coupons.create(params={"percent_off": 20, "duration": "forever"})
    rate = shop.v1.tax_rates.create(params={"display_name": "VAT", "percentage": 10, "inclusive": False})
    product = shop.plan().product
    once = {"currency": "usd", "unit_amount": 500, "product": product}
    params = {
        "customer": shop.customer().id,
        "default_tax_rates": [rate.id],
        "description": "As discussed",
        "discounts": [{"coupon": coupon.id}],
        "footer": "Thank you",
        "header": "For you",
        "line_items": [{"price": shop.plan().id, "quantity": 3}, {"price_data": once}],
        "metadata": {"a": "1"},
        "subscription_data": {"metadata": {"b": "2"}, "trial_period_days": 7},
        "transfer_data": {"destination": shop.connected(), "amount_percent": 12.5},
        **more,
    }
    return shop.v1.quotes.create(params=params)


def test_a_quote_is_drawn_up_expanded_updated_listed_and_accepted(shop: Shop, whole: Whole) -> None:
    quotes = shop.v1.quotes
    quote = whole(offered(shop))
    expand = ["customer", "default_tax_rates", "discounts"]
    expand += ["line_items.data.discounts", "line_items.data.taxes"]
    again = quotes.retrieve(quote.id, params={"expand": [*expand, "computed.upfront.line_items"]})
    [pro, once] = again.line_items.data
    whole(pro)
    assert (pro.price.unit_amount, pro.discounts[0].amount, pro.taxes[0].rate.percentage) == (2000, 1200, 10)
    assert again.discounts[0].source.type == "coupon"
    assert (again.amount_subtotal, again.amount_total) == (6500, 5720)
    assert again.computed.upfront.amount_total == 440
    assert [line.amount_total for line in again.computed.upfront.line_items.data] == [0, 440]
    assert (again.computed.recurring.interval, again.computed.recurring.amount_total) == ("month", 5280)
    assert [line.id for line in quotes.line_items.list(quote.id).data] == [pro.id, once.id]
    upfront = quotes.computed_upfront_line_items.list(quote.id, params={"limit": 1})
    assert ([line.amount_total for line in upfront.data], upfront.has_more) == ([0], True)
    changed = whole(quotes.update(quote.id, params={"header": "", "line_items": [{"id": pro.id}]}))
    assert (changed.header, changed.amount_total) == (None, 5280)
    opened = whole(quotes.finalize_quote(quote.id, params={"expires_at": int(time.time()) + 3600}))
    assert (opened.status, opened.number.split("-")[0]) == ("open", "QT")
    listed = quotes.list(params={"customer": quote.customer, "status": "open"})
    assert [found.id for found in listed.data] == [quote.id]
    accepted = whole(quotes.accept(quote.id, params={"expand": ["subscription"]}))
    assert accepted.subscription.metadata.to_dict() == {"b": "2"}


def test_what_is_bought_once_is_an_invoice_that_names_its_quote(shop: Shop, whole: Whole) -> None:
    product = shop.plan().product
    lines = [{"price_data": {"currency": "usd", "unit_amount": 500, "product": product}}]
    quote = offered(
        shop, line_items=lines, subscription_data={}, transfer_data={"destination": shop.connected()}
    )
    shop.v1.quotes.finalize_quote(quote.id)
    accepted = shop.v1.quotes.accept(quote.id, params={"expand": ["invoice"]})
    invoice = whole(accepted.invoice)
    assert (invoice.status, invoice.billing_reason, invoice.total) == ("draft", "quote_accept", 440)
    assert invoice.parent.quote_details.quote == quote.id


def test_a_copy_is_canceled(shop: Shop, whole: Whole) -> None:
    quote = offered(shop)
    params = {"from_quote": {"quote": quote.id}, "expand": ["from_quote.quote"]}
    copy = whole(shop.v1.quotes.create(params=params))
    assert copy.from_quote.quote.id == quote.id
    assert whole(shop.v1.quotes.cancel(copy.id)).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.quotes.accept(copy.id)


def test_the_paper_of_a_finalized_quote_is_read(shop: Shop, files: Any) -> None:
    quote = offered(shop)
    with pytest.raises(stripe.InvalidRequestError, match="draft"):
        files.v1.quotes.pdf(quote.id)
    shop.v1.quotes.finalize_quote(quote.id)
    first, again = (files.v1.quotes.pdf(quote.id).io.read() for _ in range(2))
    assert first.startswith(b"%PDF-1.7") and first == again


@pytest.fixture
def files(api: Any, http_url: str) -> Any:
    """The client with both of its addresses, as the papers of quotes come from where files do."""
    addresses = {"api": http_url, "files": http_url}
    return stripe.StripeClient(api.key, base_addresses=addresses, max_network_retries=0)
