"""Define the params that add, change and remove the lines of a draft."""

from decimal import Decimal

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.flows.billing.discounts import DiscountTerm
from billow.flows.invoices.given_taxes import MOST as MOST_TAXES
from billow.flows.invoices.given_taxes import GivenTax
from billow.flows.invoices.invoice_items import ItemPeriod
from billow.flows.invoices.item_amounts import MOST, LinePriceData, Pricing

MOST_LINES = 250
"""How many lines one request adds, changes or removes."""


class LineTerms(Params):
    """What can be said of a line."""

    amount: int | None = f.amount()
    description: str | None = f.text(unset=True)
    discountable: bool | None = f.boolean()
    discounts: list[DiscountTerm] | None = f.array(SHOWN, DiscountTerm, max=20, unset=True)
    metadata: dict[str, str] = f.metadata()
    period: ItemPeriod | None = f.nested(shape=ItemPeriod)
    price_data: LinePriceData | None = f.nested(shape=LinePriceData)
    pricing: Pricing | None = f.nested(shape=Pricing)
    quantity: int | None = f.integer(min=0, max=MOST)
    quantity_decimal: Decimal | None = f.decimal(min=0, max=MOST)
    tax_amounts: list[GivenTax] | None = f.array(SHOWN, GivenTax, max=MOST_TAXES, unset=True)
    tax_rates: list[str] | None = f.array(item=f.ref("tax_rate"), max=10, unset=True)


class NewLine(LineTerms):
    invoice_item: str | None = f.ref("invoiceitem")


class ChangedLine(LineTerms):
    id: str = f.text(required=True)


class RemovedLine(Params):
    behavior: str = f.choice(SHOWN, "delete", "unassign", required=True)
    id: str = f.text(required=True)


class AddLines(Params):
    invoice_metadata: dict[str, str] = f.metadata()
    lines: list[NewLine] = f.array(SHOWN, NewLine, max=MOST_LINES, required=True)


class UpdateLines(Params):
    invoice_metadata: dict[str, str] = f.metadata()
    lines: list[ChangedLine] = f.array(SHOWN, ChangedLine, max=MOST_LINES, required=True)


class RemoveLines(Params):
    invoice_metadata: dict[str, str] = f.metadata()
    lines: list[RemovedLine] = f.array(SHOWN, RemovedLine, max=MOST_LINES, required=True)
