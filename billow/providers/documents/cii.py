"""Write an invoice or a credit note as UN/CEFACT's Cross Industry Invoice, which Factur-X puts into a PDF."""

from datetime import date

from billow.core.einvoice.model import Category, EInvoice, Line, Payment, Trader
from billow.providers.documents.xml import Element, compact, leaf, money, node, plain, written

EN = "urn:cen.eu:en16931:2017"
BASE = "urn:un:unece:uncefact:data:standard"
NAMESPACES = {
    "rsm": f"{BASE}:CrossIndustryInvoice:100",
    "ram": f"{BASE}:ReusableAggregateBusinessInformationEntity:100",
    "udt": f"{BASE}:UnqualifiedDataType:100",
}


def write(invoice: EInvoice) -> bytes:
    """Return the document; the order of its elements is that of the schema."""
    return written(
        "rsm:CrossIndustryInvoice",
        NAMESPACES,
        [
            node(
                "rsm:ExchangedDocumentContext",
                node("ram:GuidelineSpecifiedDocumentContextParameter", leaf("ram:ID", EN)),
            ),
            node(
                "rsm:ExchangedDocument",
                leaf("ram:ID", invoice.number),
                leaf("ram:TypeCode", invoice.kind),
                node("ram:IssueDateTime", day(invoice.issued_on)),
                node("ram:IncludedNote", leaf("ram:Content", invoice.note)),
            ),
            node(
                "rsm:SupplyChainTradeTransaction",
                *(line_of(line) for line in invoice.lines),
                agreement(invoice),
                delivery(invoice),
                settlement(invoice),
            ),
        ],
    )


def day(on: date | None) -> Element | None:
    return leaf("udt:DateTimeString", compact(on), format="102")


def line_of(line: Line) -> Element | None:
    return node(
        "ram:IncludedSupplyChainTradeLineItem",
        node("ram:AssociatedDocumentLineDocument", leaf("ram:LineID", line.id)),
        node(
            "ram:SpecifiedTradeProduct",
            leaf("ram:Name", line.name),
            leaf("ram:Description", line.description),
        ),
        node(
            "ram:SpecifiedLineTradeAgreement",
            node(
                "ram:NetPriceProductTradePrice",
                leaf("ram:ChargeAmount", plain(line.price)),
                leaf("ram:BasisQuantity", str(line.base), unitCode=line.unit),
            ),
        ),
        node(
            "ram:SpecifiedLineTradeDelivery",
            leaf("ram:BilledQuantity", plain(line.quantity), unitCode=line.unit),
        ),
        node(
            "ram:SpecifiedLineTradeSettlement",
            tax("ram:ApplicableTradeTax", line.category),
            period(line),
            *(
                node(
                    "ram:SpecifiedTradeAllowanceCharge",
                    node("ram:ChargeIndicator", leaf("udt:Indicator", "false")),
                    leaf("ram:ActualAmount", money(one.amount)),
                    leaf("ram:Reason", one.reason),
                )
                for one in line.allowances
            ),
            node(
                "ram:SpecifiedTradeSettlementLineMonetarySummation",
                leaf("ram:LineTotalAmount", money(line.net)),
            ),
        ),
    )


def tax(name: str, of: Category) -> Element | None:
    return node(
        name,
        leaf("ram:TypeCode", "VAT"),
        leaf("ram:CategoryCode", of.code),
        leaf("ram:RateApplicablePercent", "" if of.percent is None else plain(of.percent)),
    )


def period(of: EInvoice | Line) -> Element | None:
    return node(
        "ram:BillingSpecifiedPeriod",
        node("ram:StartDateTime", day(of.starts_on)),
        node("ram:EndDateTime", day(of.ends_on)),
    )


def agreement(invoice: EInvoice) -> Element | None:
    return node(
        "ram:ApplicableHeaderTradeAgreement",
        leaf("ram:BuyerReference", invoice.buyer_reference),
        trader("ram:SellerTradeParty", invoice.seller),
        trader("ram:BuyerTradeParty", invoice.buyer),
        node("ram:BuyerOrderReferencedDocument", leaf("ram:IssuerAssignedID", invoice.order)),
    )


def trader(name: str, who: Trader) -> Element | None:
    scheme, address = who.endpoint or ("", "")
    return node(
        name,
        leaf("ram:ID", who.identifier),
        leaf("ram:Name", who.name),
        leaf("ram:Description", who.legal),
        node("ram:SpecifiedLegalOrganization", leaf("ram:ID", who.company_number)),
        node(
            "ram:DefinedTradeContact",
            leaf("ram:PersonName", who.contact),
            node("ram:TelephoneUniversalCommunication", leaf("ram:CompleteNumber", who.phone)),
            node("ram:EmailURIUniversalCommunication", leaf("ram:URIID", who.email)),
        ),
        postal(who),
        node("ram:URIUniversalCommunication", leaf("ram:URIID", address, schemeID=scheme)),
        node("ram:SpecifiedTaxRegistration", leaf("ram:ID", who.vat_id, schemeID="VA")),
        node("ram:SpecifiedTaxRegistration", leaf("ram:ID", who.tax_id, schemeID="FC")),
    )


def postal(who: Trader) -> Element | None:
    return node(
        "ram:PostalTradeAddress",
        leaf("ram:PostcodeCode", who.postal_code),
        leaf("ram:LineOne", who.line1),
        leaf("ram:LineTwo", who.line2),
        leaf("ram:CityName", who.city),
        leaf("ram:CountryID", who.country),
        leaf("ram:CountrySubDivisionName", who.state),
    )


def delivery(invoice: EInvoice) -> Element | None:
    """Return when it was supplied: the element must be there, and must not be empty."""
    on = invoice.supplied_on or invoice.ends_on or invoice.issued_on
    to = invoice.ship_to or Trader("", invoice.delivered_to)
    return node(
        "ram:ApplicableHeaderTradeDelivery",
        node("ram:ShipToTradeParty", leaf("ram:Name", to.name), postal(to)),
        node("ram:ActualDeliverySupplyChainEvent", node("ram:OccurrenceDateTime", day(on))),
    )


def settlement(invoice: EInvoice) -> Element | None:
    return node(
        "ram:ApplicableHeaderTradeSettlement",
        leaf("ram:PaymentReference", invoice.payment.reference if invoice.payment else ""),
        leaf("ram:TaxCurrencyCode", invoice.national_tax[0] if invoice.national_tax else ""),
        leaf("ram:InvoiceCurrencyCode", invoice.currency),
        means(invoice.payment),
        *(
            node(
                "ram:ApplicableTradeTax",
                leaf("ram:CalculatedAmount", money(one.tax)),
                leaf("ram:TypeCode", "VAT"),
                leaf("ram:ExemptionReason", one.category.reason),
                leaf("ram:BasisAmount", money(one.base)),
                leaf("ram:CategoryCode", one.category.code),
                leaf("ram:ExemptionReasonCode", one.category.reason_code),
                leaf(
                    "ram:RateApplicablePercent",
                    "" if one.category.percent is None else plain(one.category.percent),
                ),
            )
            for one in invoice.subtotals
        ),
        period(invoice),
        node(
            "ram:SpecifiedTradePaymentTerms",
            leaf("ram:Description", invoice.terms),
            node("ram:DueDateDateTime", day(invoice.due_on)),
        ),
        node(
            "ram:SpecifiedTradeSettlementHeaderMonetarySummation",
            leaf("ram:LineTotalAmount", money(invoice.net)),
            leaf("ram:TaxBasisTotalAmount", money(invoice.net)),
            leaf("ram:TaxTotalAmount", money(invoice.tax), currencyID=invoice.currency),
            leaf("ram:TaxTotalAmount", money(invoice.national_tax[1]), currencyID=invoice.national_tax[0])
            if invoice.national_tax
            else None,
            leaf("ram:GrandTotalAmount", money(invoice.gross)),
            leaf("ram:TotalPrepaidAmount", money(invoice.prepaid) if invoice.prepaid else ""),
            leaf("ram:DuePayableAmount", money(invoice.payable)),
        ),
        corrected(invoice),
    )


def means(payment: Payment | None) -> Element | None:
    if payment is None:
        return None
    return node(
        "ram:SpecifiedTradeSettlementPaymentMeans",
        leaf("ram:TypeCode", payment.means),
        node(
            "ram:PayeePartyCreditorFinancialAccount",
            leaf("ram:IBANID", payment.iban),
            leaf("ram:AccountName", payment.holder),
            leaf("ram:ProprietaryID", "" if payment.iban else payment.account),
        ),
        node("ram:PayeeSpecifiedCreditorFinancialInstitution", leaf("ram:BICID", payment.institution)),
    )


def corrected(invoice: EInvoice) -> Element | None:
    if invoice.corrects is None:
        return None
    return node("ram:InvoiceReferencedDocument", leaf("ram:IssuerAssignedID", invoice.corrects[0]))
