"""Order top-ups of wallets: one invoice each, finalized and charged at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from billow.api import rows
from billow.api.params import made
from billow.core import line_texts
from billow.core.errors import Refused
from billow.flows.billing import drafts
from billow.flows.invoices import finalize
from billow.flows.taxes import params as taxes
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import PREPAID, InvoiceLine
from billow.resources.wallet import Wallet
from billow.store.ids import new_id
from billow.store.tx import Tx

OPEN = "wallet = any(%(ids)s) and status in ('draft', 'open')"
"""The invoices of top-ups that are to be paid: until then no other one is ordered."""


@dataclass(frozen=True, slots=True)
class Order:
    """A wallet and its customer, who are locked, and the amount before tax."""

    wallet: Wallet
    customer: Customer
    amount: int


def check_none_open(tx: Tx, wallet: Wallet) -> None:
    """Refuse a top-up while another one is to be paid; the customer's lock lets one be ordered at a time."""
    for one in rows.select(tx, Invoice, OPEN, ids=[wallet.id]):
        raise Refused(
            f"The invoice {one.id} of the top-up before is still to be paid; pay or void it first.",
            code="top_up_open",
        )


def order(tx: Tx, orders: Sequence[Order], how: str) -> list[Wallet]:
    """Write, finalize and charge the invoices of top-ups, in a fixed number of statements.

    Return the wallets, which name their invoices. `how` is `automatic` or `requested`; a requested one is
    refused where its taxes cannot be decided, an automatic one waits for them as a draft.
    """
    made_drafts = [draft_of(tx, one, how) for one in orders]
    written = drafts.write(tx, made_drafts)
    currencies = {one.customer.id: one for one in orders if one.customer.currency is None}
    rows.update_many(tx, [(one.customer, {"currency": one.wallet.currency}) for one in currencies.values()])
    opened = finalize.finalize_many(tx, [one.id for one in written], holds=how == "automatic")
    finalize.charge_on(tx, opened)
    return rows.update_many(
        tx,
        [
            (one.wallet, {"latest_invoice": invoice.id, "updated": tx.now})
            for one, invoice in zip(orders, written, strict=True)
        ],
    )


def draft_of(tx: Tx, order: Order, how: str) -> drafts.Draft:
    """Make the draft of a top-up: no discount applies, since credits are worth what is paid for them."""
    wallet = order.wallet
    line = InvoiceLine(
        id=new_id(InvoiceLine.prefix),
        amount=order.amount,
        currency=wallet.currency,
        customer=wallet.customer,
        description=f"{line_texts.PREPAID}: {wallet.name}" if wallet.name else line_texts.PREPAID,
        discountable=False,
        kind=PREPAID,
        period_end=tx.now,
        period_start=tx.now,
        quantity_decimal=Decimal(1),
    )
    automatic = made(taxes.AutomaticTax, enabled=wallet.automatic_tax["enabled"])
    return drafts.draft(
        tx,
        order.customer,
        [line],
        auto_advance=True,
        automatic_tax=taxes.kept(Invoice().automatic_tax, automatic),
        currency=wallet.currency,
        default_tax_rates=wallet.default_tax_rates,
        discounts=[],
        period_end=tx.now,
        period_start=tx.now,
        top_up=how,
        wallet=wallet.id,
    )
