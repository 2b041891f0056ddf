"""Choose the VAT category of what is billed, by the reason for which it is taxed or not."""

from decimal import Decimal

from billow.core.einvoice.model import Category

ZERO = Decimal(0)
REVERSE_CHARGE = Category("AE", ZERO, "VATEX-EU-AE", "Reverse charge")
EXEMPT = Category("E", ZERO, "", "Exempt from tax")
UNTAXED = Category("E", ZERO, "", "Not taxed")
OUTSIDE = Category("O", None, "VATEX-EU-O", "Not subject to tax")
INTRA_COMMUNITY = Category("K", ZERO, "VATEX-EU-IC", "Intra-Community supply")
EXPORT = Category("G", ZERO, "VATEX-EU-G", "Export outside the EU")
ZERO_RATED = Category("Z", ZERO)
BY_REASON = {
    "customer_exempt": EXEMPT,
    "excluded_territory": OUTSIDE,
    "jurisdiction_unsupported": OUTSIDE,
    "not_collecting": OUTSIDE,
    "not_subject_to_tax": OUTSIDE,
    "product_exempt": EXEMPT,
    "reverse_charge": REVERSE_CHARGE,
    "zero_rated": ZERO_RATED,
}
"""The category of a tax by its `taxability_reason`; every other reason is that of a rate."""
BY_UNTAXED = {"eu_goods": INTRA_COMMUNITY, "export": EXPORT}
"""The category of goods that leave the country, which the reason alone does not tell from services."""
NO_VAT = ("admissions_tax", "amusement_tax", "attendance_tax", "communications_tax", "entertainment_tax",
          "gross_receipts_tax", "hospitality_tax", "luxury_tax", "resort_tax", "rst", "sales_tax",
          "service_tax", "tourism_tax")  # fmt: skip
"""Types of tax that are no value added tax, so that EN 16931 has no place for them."""


def category(reason: str, percent: Decimal) -> Category:
    """Return the category of a tax.

    >>> category("standard_rated", Decimal(25)).code, category("reverse_charge", Decimal(25)).code
    ('S', 'AE')
    """
    known = BY_REASON.get(reason)
    if known is not None:
        return known
    return Category("S", percent) if percent else ZERO_RATED


def of_untaxed(tax_exempt: str, *, all_lines: bool) -> Category:
    """Return the category of what bears no tax at all: beside what is taxed it cannot be outside of tax."""
    if tax_exempt == "reverse":
        return REVERSE_CHARGE
    if tax_exempt == "exempt":
        return EXEMPT
    return OUTSIDE if all_lines else UNTAXED
