"""Declare the params of a quote, check them, and apply them to a draft."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN, seconds
from billow.api.operation import merged_value
from billow.api.params import Params, made
from billow.core.errors import Refused, require
from billow.flows.billing.discounts import DiscountTerm
from billow.flows.payments import able_accounts
from billow.flows.quotes import lines, totals
from billow.flows.quotes.lines import PricedLine
from billow.flows.subscription_terms import params
from billow.flows.taxes import params as taxes
from billow.resources import tax_rate
from billow.resources.customer import Customer
from billow.resources.quote import (
    FromQuote,
    InvoiceSettings,
    NewSubscriptionData,
    Quote,
    SubscriptionData,
    TransferData,
)
from billow.resources.subscription import BillingMode
from billow.store.tx import Tx


class Update(Params):
    application_fee_amount: int | None = f.amount(min=0, unset=True)
    application_fee_percent: Decimal | None = f.number(min=0, max=100, places=2, unset=True)
    automatic_tax: taxes.AutomaticTax | None = f.nested(shape=taxes.AutomaticTax)
    collection_method: str | None = f.choice(SHOWN, "charge_automatically", "send_invoice")
    customer: str | None = f.ref("customer")
    customer_account: str | None = f.text()
    default_tax_rates: list[str] | None = f.array(item=f.ref("tax_rate"), max=5, unset=True)
    description: str | None = f.text(max=500, unset=True)
    discounts: list[DiscountTerm] | None = f.array(SHOWN, DiscountTerm, max=20, unset=True)
    expires_at: datetime | None = f.timestamp()
    footer: str | None = f.text(max=500, unset=True)
    header: str | None = f.text(max=50, unset=True)
    invoice_settings: InvoiceSettings | None = f.nested(shape=InvoiceSettings)
    line_items: list[lines.Line] = f.array(SHOWN, lines.Line, default=[])
    metadata: dict[str, str] = f.metadata()
    on_behalf_of: str | None = f.ref("account", unset=True)
    subscription_data: SubscriptionData | None = f.nested(shape=SubscriptionData)
    transfer_data: TransferData | None = f.nested(shape=TransferData, unset=True)


class Create(Update):
    from_quote: FromQuote | None = f.nested(shape=FromQuote)
    line_items: list[lines.NewLine] = f.array(SHOWN, lines.NewLine, default=[])  # type: ignore[assignment]
    subscription_data: NewSubscriptionData | None = f.nested(shape=NewSubscriptionData)
    test_clock: str | None = f.ref("test_helpers.test_clock")


@dataclass(frozen=True, slots=True)
class QuoteDraft:
    """A quote with its lines and customer after a request, before its amounts are calculated."""

    quote: Quote
    lines: Sequence[PricedLine]
    customer: Customer | None


COPIED = (
    "application_fee_amount",
    "application_fee_percent",
    "collection_method",
    "customer",
    "description",
    "expires_at",
    "footer",
    "header",
    "invoice_settings",
    "metadata",
    "on_behalf_of",
    "transfer_data",
)
"""Params that are stored as they were sent; hashes are merged into the stored ones."""


def apply_params(
    tx: Tx, quote: Quote, wanted: Update, customer: Customer | None, before: Sequence[PricedLine]
) -> QuoteDraft:
    """Check the params of a request and apply them to a quote. Inserts its new discounts and prices."""
    check_unsupported(tx, wanted)
    sent = wanted.sent()
    changes = {name: merged_value(quote, name, sent[name]) for name in COPIED if name in sent}
    if "default_tax_rates" in sent:
        rates = wanted.default_tax_rates or []
        changes["default_tax_rates"] = tax_rate.check_usable(tx, rates, "default_tax_rates")
    if wanted.automatic_tax:
        changes["automatic_tax"] = taxes.kept(quote.automatic_tax, wanted.automatic_tax)
    after = quote.but(**{n: v for n, v in changes.items() if n in ("automatic_tax", "default_tax_rates")})
    taxes.check_alone(after.automatic_tax["enabled"], after.default_tax_rates)
    taxes.check_lines_alone(after.automatic_tax["enabled"], wanted.line_items, "line_items")
    if wanted.subscription_data:
        changes.update(subscription_data_changes(quote, wanted.subscription_data))
    quote = quote.but(**changes)
    priced = (
        lines.replace_lines(tx, quote, customer, wanted.line_items, before)
        if "line_items" in sent
        else before
    )
    taxes.check_stored(quote.automatic_tax["enabled"], (one.item for one in priced), "a line of the quote")
    undiscounted = totals.calculate(tx, quote.but(discounts=[]), customer, priced)[0]
    present = [*quote.discounts, *([customer.discount] if customer and customer.discount else [])]
    owner = lines.discount_owner(customer, lines.currency_of(priced), present, undiscounted.amount_subtotal)
    quote = quote.but(discounts=lines.apply_discounts(tx, wanted, owner, quote.discounts))
    if wanted.given("expires_at"):
        check_expiry(tx, quote)
    check(quote, priced)
    return QuoteDraft(quote, priced, customer)


def subscription_data_changes(quote: Quote, data: SubscriptionData) -> dict[str, Any]:
    """Return the changes that `subscription_data` asks for; its metadata replaces the stored metadata."""
    sent = data.sent()
    when = sent.pop("effective_date", None)
    found = merged_value(quote, "subscription_data", made(type(data), **sent))
    if isinstance(data, NewSubscriptionData) and data.billing_mode:
        check_billing_mode(data.billing_mode)
        mode = params.mode_of(data.billing_mode, None)
        found["billing_mode"] = {name: mode[name] for name in ("flexible", "type")}
    if not data.given("effective_date"):
        return {"subscription_data": found}
    found["effective_date"] = seconds(when) if isinstance(when, datetime) else None
    return {"subscription_data": found, "at_period_end": isinstance(when, str)}


def check_billing_mode(mode: BillingMode) -> None:
    try:
        params.check_mode(mode)
    except Refused as refused:
        refused.param = "subscription_data[billing_mode][flexible]"
        raise


def check_unsupported(tx: Tx, wanted: Update) -> None:
    """Refuse params that need what is not there: connected accounts, or a head office for tax."""
    taxes.check_automatic_tax(tx, wanted.automatic_tax)
    able_accounts.check_agreed(tx, wanted.transfer_data, wanted.on_behalf_of)
    if wanted.customer_account is not None:
        raise Refused(
            f"No such account: '{wanted.customer_account}'", param="customer_account", code="resource_missing"
        )
    issuer = wanted.invoice_settings.issuer if wanted.invoice_settings else None
    require(
        issuer is None or (issuer.type == "self" and issuer.account is None),
        "There are no connected accounts: `invoice_settings[issuer][type]` must be `self`.",
        param="invoice_settings[issuer]",
    )


def check_expiry(tx: Tx, quote: Quote) -> None:
    require(
        quote.expires_at > tx.now,
        "Invalid timestamp: must be an integer Unix timestamp in the future.",
        param="expires_at",
    )


def check(quote: Quote, lines: Sequence[PricedLine]) -> None:
    """Refuse percentages without a recurring line, amounts with one, and days until due without sending."""
    recurs = any(one.recurs for one in lines)
    given = quote.transfer_data or {}
    amounts = {
        "application_fee_amount": quote.application_fee_amount,
        "transfer_data[amount]": given.get("amount"),
    }
    shares = {
        "application_fee_percent": quote.application_fee_percent,
        "transfer_data[amount_percent]": given.get("amount_percent"),
    }
    for name, value in amounts.items():
        require(value is None or not recurs, f"You cannot set {name} with recurring line items.", param=name)
    for name, value in shares.items():
        require(
            value is None or recurs or not lines,
            f"You can set {name} only with a recurring line item.",
            param=name,
        )
    require(
        quote.collection_method == "send_invoice" or quote.invoice_settings["days_until_due"] is None,
        "You can only set `days_until_due` if `collection_method` is `send_invoice`.",
        param="invoice_settings[days_until_due]",
    )
