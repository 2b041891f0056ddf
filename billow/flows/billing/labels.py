"""Name the discounts and tax rates of an invoice, in the language of its papers."""

from collections.abc import Mapping
from decimal import Decimal

from billow.core import untaxed
from billow.core.money import decimal_text, show
from billow.flows.billing.totals import Terms
from billow.flows.outside.seller import seller_of
from billow.providers.documents import formats, wording
from billow.providers.taxes import eu_vat
from billow.resources.coupon import Coupon
from billow.resources.customer import Customer
from billow.resources.discount import Discount, in_core
from billow.resources.invoice import Invoice
from billow.resources.tax_rate import TaxRate
from billow.store.tx import Tx

NO_REASONS: Mapping[str, str | None] = {}


def language_of(tx: Tx, customer: Customer | None) -> str:
    """Return the locale of a customer's papers: the first preferred one that is written, or the seller's."""
    preferred = (customer.preferred_locales if customer else None) or []
    return wording.spoken(preferred, seller_of(tx).language or "en")


def labels_of(invoice: Invoice, terms: Terms, locale: str = "en") -> dict[str, str]:
    """Return the texts for an invoice's discounts and tax rates, which it keeps when they are renamed."""
    found = {}
    for entry in invoice.total_discount_amounts:
        discount = terms.discounts.get(entry["discount"])
        if discount:
            coupon = terms.coupons[discount.coupon]
            off = discount_text(coupon, discount, invoice.currency, locale)
            found[discount.id] = f"{coupon.name or coupon.id} ({off})"
    reasons = {
        tax["tax_rate_details"]["tax_rate"]: tax.get("taxability_reason") for tax in invoice.total_taxes
    }
    return {**found, **rate_labels({id: terms.rates[id] for id in reasons}, locale, reasons)}


def rate_labels(
    rates: Mapping[str, TaxRate], locale: str = "en", reasons: Mapping[str, str | None] = NO_REASONS
) -> dict[str, str]:
    """Return the texts for tax rates, by id: as the merchant calls them, or VAT in the reader's language.

    A tax that is not charged is listed by the reason for that: as a reverse charge or an export.
    """
    return {id: rate_label(rate, locale, reasons.get(id)) for id, rate in rates.items()}


def rate_label(rate: TaxRate, locale: str, taxability_reason: str | None) -> str:
    name = untaxed.name_of(untaxed.reason_of(rate.treatment, taxability_reason))
    if name is None:
        return f"{rate_name(rate, locale)} ({formats.percent(plain(rate.percentage), locale)})"
    return f"{wording.say(locale, f'name_{name}')} ({formats.percent(Decimal(0), locale)})"


def rate_name(rate: TaxRate, locale: str) -> str:
    """Return what a rate is called: an automatic one of VAT as readers know it, with its region."""
    region = f"{rate.country}-{rate.state}" if rate.state else rate.country or ""
    if rate.treatment is None or rate.display_name != eu_vat.name_of(region):
        return rate.display_name
    return f"{wording.vat(locale, rate.country or '')} {region}"


def discount_text(coupon: Coupon, discount: Discount, currency: str, locale: str) -> str:
    """Return what a discount takes off as text: a percentage or an amount."""
    if coupon.percent_off is not None:
        return wording.say(locale, "off", amount=formats.percent(plain(coupon.percent_off), locale))
    amount = in_core(discount, coupon, currency).amount or 0
    english = wording.primary(locale) == "en"
    shown = show(amount, currency) if english else formats.money(amount, currency, locale)
    return wording.say(locale, "off", amount=shown)


def plain(percentage: Decimal) -> Decimal:
    return Decimal(decimal_text(percentage))
