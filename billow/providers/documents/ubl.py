"""Write an invoice or a credit note in UBL 2.1, with the identifiers of a profile."""

from billow.core.einvoice.model import CREDIT_NOTE, Category, EInvoice, Line, Payment, Trader
from billow.providers.documents.xml import Element, iso, leaf, money, node, plain, written

EN = "urn:cen.eu:en16931:2017"
PEPPOL = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
#: The customization and the process of each profile.
PROFILES = {
    "ubl": (EN, ""),
    "peppol": (f"{EN}#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0", PEPPOL),
    "xrechnung": (f"{EN}#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0", PEPPOL),
}
UBL = "urn:oasis:names:specification:ubl:schema:xsd"
PARTS = {"cac": f"{UBL}:CommonAggregateComponents-2", "cbc": f"{UBL}:CommonBasicComponents-2"}


def write(invoice: EInvoice, profile: str = "ubl") -> bytes:
    """Return the document; the order of its elements is that of the schema."""
    credit = invoice.kind == CREDIT_NOTE
    root = "CreditNote" if credit else "Invoice"
    customization, process = PROFILES[profile]
    date_due = None if credit else leaf("cbc:DueDate", iso(invoice.due_on))
    return written(
        root,
        {"": f"{UBL}:{root}-2", **PARTS},
        [
            leaf("cbc:CustomizationID", customization),
            leaf("cbc:ProfileID", process),
            leaf("cbc:ID", invoice.number),
            leaf("cbc:IssueDate", iso(invoice.issued_on)),
            date_due,
            leaf(f"cbc:{'CreditNote' if credit else 'Invoice'}TypeCode", invoice.kind),
            leaf("cbc:Note", invoice.note),
            leaf("cbc:DocumentCurrencyCode", invoice.currency),
            leaf("cbc:TaxCurrencyCode", invoice.national_tax[0] if invoice.national_tax else ""),
            leaf("cbc:BuyerReference", invoice.buyer_reference),
            period(invoice),
            node("cac:OrderReference", leaf("cbc:ID", invoice.order)),
            corrected(invoice),
            node("cac:AccountingSupplierParty", party(invoice.seller)),
            node("cac:AccountingCustomerParty", party(invoice.buyer)),
            delivery(invoice),
            means(invoice.payment),
            node("cac:PaymentTerms", leaf("cbc:Note", invoice.terms)),
            taxes(invoice),
            national(invoice),
            totals(invoice),
            *(line_of(line, invoice) for line in invoice.lines),
        ],
    )


def period(of: EInvoice | Line) -> Element | None:
    return node(
        "cac:InvoicePeriod", leaf("cbc:StartDate", iso(of.starts_on)), leaf("cbc:EndDate", iso(of.ends_on))
    )


def delivery(invoice: EInvoice) -> Element | None:
    """Return on which day it was supplied, and where goods arrived."""
    to = invoice.ship_to or Trader("", invoice.delivered_to)
    return node(
        "cac:Delivery",
        leaf("cbc:ActualDeliveryDate", iso(invoice.supplied_on)),
        node("cac:DeliveryLocation", postal("cac:Address", to)),
        node("cac:DeliveryParty", node("cac:PartyName", leaf("cbc:Name", to.name))),
    )


def corrected(invoice: EInvoice) -> Element | None:
    if invoice.corrects is None:
        return None
    number, on = invoice.corrects
    named = node("cac:InvoiceDocumentReference", leaf("cbc:ID", number), leaf("cbc:IssueDate", iso(on)))
    return node("cac:BillingReference", named)


def party(who: Trader) -> Element | None:
    scheme, address = who.endpoint or ("", "")
    return node(
        "cac:Party",
        leaf("cbc:EndpointID", address, schemeID=scheme),
        node("cac:PartyIdentification", leaf("cbc:ID", who.identifier)),
        node("cac:PartyName", leaf("cbc:Name", who.name)),
        postal("cac:PostalAddress", who),
        registration(who.vat_id, "VAT"),
        registration(who.tax_id, "TAX"),
        node(
            "cac:PartyLegalEntity",
            leaf("cbc:RegistrationName", who.name),
            leaf("cbc:CompanyID", who.company_number),
            leaf("cbc:CompanyLegalForm", who.legal),
        ),
        node(
            "cac:Contact",
            leaf("cbc:Name", who.contact),
            leaf("cbc:Telephone", who.phone),
            leaf("cbc:ElectronicMail", who.email),
        ),
    )


def postal(name: str, who: Trader) -> Element | None:
    return node(
        name,
        leaf("cbc:StreetName", who.line1),
        leaf("cbc:AdditionalStreetName", who.line2),
        leaf("cbc:CityName", who.city),
        leaf("cbc:PostalZone", who.postal_code),
        leaf("cbc:CountrySubentity", who.state),
        node("cac:Country", leaf("cbc:IdentificationCode", who.country)),
    )


def registration(number: str, scheme: str) -> Element | None:
    if not number:
        return None
    return node("cac:PartyTaxScheme", leaf("cbc:CompanyID", number), tax_scheme(scheme))


def tax_scheme(name: str = "VAT") -> Element | None:
    return node("cac:TaxScheme", leaf("cbc:ID", name))


def means(payment: Payment | None) -> Element | None:
    if payment is None:
        return None
    return node(
        "cac:PaymentMeans",
        leaf("cbc:PaymentMeansCode", payment.means),
        leaf("cbc:PaymentID", payment.reference),
        node(
            "cac:PayeeFinancialAccount",
            leaf("cbc:ID", payment.account),
            leaf("cbc:Name", payment.holder),
            node("cac:FinancialInstitutionBranch", leaf("cbc:ID", payment.institution)),
        ),
    )


def taxes(invoice: EInvoice) -> Element | None:
    currency = invoice.currency
    return node(
        "cac:TaxTotal",
        leaf("cbc:TaxAmount", money(invoice.tax), currencyID=currency),
        *(
            node(
                "cac:TaxSubtotal",
                leaf("cbc:TaxableAmount", money(one.base), currencyID=currency),
                leaf("cbc:TaxAmount", money(one.tax), currencyID=currency),
                category("cac:TaxCategory", one.category, reasons=True),
            )
            for one in invoice.subtotals
        ),
    )


def national(invoice: EInvoice) -> Element | None:
    """Return all tax in the currency of the tax office, without its parts."""
    if invoice.national_tax is None:
        return None
    currency, tax = invoice.national_tax
    return node("cac:TaxTotal", leaf("cbc:TaxAmount", money(tax), currencyID=currency))


def category(name: str, of: Category, *, reasons: bool) -> Element | None:
    return node(
        name,
        leaf("cbc:ID", of.code),
        leaf("cbc:Percent", "" if of.percent is None else plain(of.percent)),
        leaf("cbc:TaxExemptionReasonCode", of.reason_code) if reasons else None,
        leaf("cbc:TaxExemptionReason", of.reason) if reasons else None,
        tax_scheme(),
    )


def totals(invoice: EInvoice) -> Element | None:
    currency = invoice.currency
    return node(
        "cac:LegalMonetaryTotal",
        leaf("cbc:LineExtensionAmount", money(invoice.net), currencyID=currency),
        leaf("cbc:TaxExclusiveAmount", money(invoice.net), currencyID=currency),
        leaf("cbc:TaxInclusiveAmount", money(invoice.gross), currencyID=currency),
        leaf("cbc:PrepaidAmount", money(invoice.prepaid) if invoice.prepaid else "", currencyID=currency),
        leaf("cbc:PayableAmount", money(invoice.payable), currencyID=currency),
    )


def line_of(line: Line, invoice: EInvoice) -> Element | None:
    credit, currency = invoice.kind == CREDIT_NOTE, invoice.currency
    return node(
        f"cac:{'CreditNote' if credit else 'Invoice'}Line",
        leaf("cbc:ID", line.id),
        leaf(f"cbc:{'Credited' if credit else 'Invoiced'}Quantity", plain(line.quantity), unitCode=line.unit),
        leaf("cbc:LineExtensionAmount", money(line.net), currencyID=currency),
        period(line),
        *(
            node(
                "cac:AllowanceCharge",
                leaf("cbc:ChargeIndicator", "false"),
                leaf("cbc:AllowanceChargeReason", one.reason),
                leaf("cbc:Amount", money(one.amount), currencyID=currency),
            )
            for one in line.allowances
        ),
        node(
            "cac:Item",
            leaf("cbc:Description", line.description),
            leaf("cbc:Name", line.name),
            category("cac:ClassifiedTaxCategory", line.category, reasons=False),
        ),
        node(
            "cac:Price",
            leaf("cbc:PriceAmount", plain(line.price), currencyID=currency),
            leaf("cbc:BaseQuantity", str(line.base), unitCode=line.unit),
        ),
    )
