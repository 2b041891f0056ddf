"""Check what EN 16931 and its profiles ask of an invoice, and say in words what is missing."""

from decimal import ROUND_HALF_UP, Decimal

from stdnum import iban as ibans

from billow.core.einvoice.lines import CENT, NEAR
from billow.core.einvoice.model import CREDIT_NOTE, EInvoice, Line
from billow.core.errors import require

OFF = Decimal(1)
"""The rules let the tax of a rate be off by less than one unit of the currency (BR-CO-17)."""
PROFILES = ("ubl", "cii", "peppol", "xrechnung", "factur-x")


def check(invoice: EInvoice, profile: str) -> None:
    """Refuse what a format cannot say, with what is missing."""
    _check_parties(invoice)
    for one in invoice.subtotals:
        if one.category.code == "S" and one.category.percent is not None:
            due = one.base * one.category.percent / 100
            require(
                abs(due - one.tax) < OFF,
                "EN 16931 wants each tax to be its rate of what is taxed; here it was rounded on each line.",
            )
    for line in invoice.lines:
        check_line(line)
    require(invoice.lines, "EN 16931 asks for at least one line.")
    _check_signs(invoice)
    _check_dates(invoice)
    _check_payment(invoice)
    if profile in ("peppol", "xrechnung"):
        _check_addresses(invoice, profile)
    if profile == "xrechnung":
        _check_german(invoice)


def check_line(line: Line) -> None:
    """Check that quantity times price is what a line comes to before what is taken off."""
    off = sum((one.amount for one in line.allowances), Decimal(0))
    product = (line.quantity * line.price / line.base).quantize(CENT, rounding=ROUND_HALF_UP)
    require(abs(product - (line.net + off)) <= NEAR, f"Line {line.id} is not its quantity times its price.")


def _check_signs(invoice: EInvoice) -> None:
    """Check what the official rules pass by: a credit note credits, and nothing negative is taken off."""
    is_note = invoice.kind == CREDIT_NOTE
    require(
        not is_note or (invoice.gross >= 0 and invoice.payable >= 0),
        "A credit note states what it credits as positive amounts.",
    )
    require(not is_note or invoice.corrects is not None, "A credit note names the invoice that it corrects.")
    for line in invoice.lines:
        off = (one.amount for one in line.allowances)
        positive = line.price >= 0 and line.base > 0 and all(amount >= 0 for amount in off)
        require(positive, f"Line {line.id} has a negative price or allowance.")
    if invoice.national_tax:
        currency, tax = invoice.national_tax
        require(currency != invoice.currency, "The tax is stated twice in one currency.")
        require(tax * invoice.tax >= 0, "The tax has another sign in the currency of the tax office.")


def _check_dates(invoice: EInvoice) -> None:
    """Check that dates are in their order."""
    periods = [(invoice.starts_on, invoice.ends_on), *((one.starts_on, one.ends_on) for one in invoice.lines)]
    for start, end in periods:
        require(start is None or end is None or start <= end, "The period ends before it begins.")
    due = invoice.due_on
    require(due is None or due >= invoice.issued_on, "The invoice is due before it is issued.")
    corrected = invoice.corrects[1] if invoice.corrects else invoice.issued_on
    require(corrected <= invoice.issued_on, "A credit note is no older than the invoice that it corrects.")


def _check_payment(invoice: EInvoice) -> None:
    account = invoice.payment.iban if invoice.payment else ""
    require(not account or ibans.is_valid(account), f"{account} is no IBAN.")


def _check_parties(invoice: EInvoice) -> None:
    codes = {one.category.code for one in invoice.subtotals}
    require(invoice.seller.country, "The seller has no country: set it with `billow seller set country=…`.")
    require(invoice.buyer.country, "The customer's address has no country.")
    require(
        not codes & {"S", "Z", "E", "AE", "K", "G"} or invoice.seller.vat_id or invoice.seller.tax_id,
        "The seller has no VAT number: set it with `billow seller set tax_id=…`.",
    )
    require("AE" not in codes or invoice.buyer.vat_id, "A reverse charge needs the customer's VAT number.")
    require(
        "K" not in codes or (invoice.seller.vat_id and invoice.buyer.vat_id and invoice.delivered_to),
        "An intra-Community supply needs both VAT numbers, and the country that the goods were sent to.",
    )
    require("O" not in codes or codes == {"O"}, "What is not subject to tax needs an invoice of its own.")


def _check_addresses(invoice: EInvoice, profile: str) -> None:
    require(invoice.seller.endpoint, f"The format {profile} needs an electronic address of the seller.")
    require(
        invoice.buyer.endpoint,
        f"The format {profile} needs an electronic address of the customer: metadata `peppol_id`.",
    )
    require(
        invoice.buyer_reference or invoice.order,
        f"The format {profile} needs metadata `buyer_reference` or `po_number`.",
    )


def _check_german(invoice: EInvoice) -> None:
    seller = invoice.seller
    require(
        seller.contact and seller.phone and seller.email,
        "XRechnung needs whom to ask: `billow seller set contact=… phone=… email=…`.",
    )
    require(invoice.buyer_reference, "XRechnung needs the Leitweg-ID: metadata `buyer_reference`.")
    for who, party in (("seller", seller), ("customer", invoice.buyer)):
        require(party.city and party.postal_code, f"XRechnung needs the postal code and town of the {who}.")
    require(invoice.payment, "XRechnung needs a bank account to pay to.")
