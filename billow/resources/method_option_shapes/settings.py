"""Options in the payment settings of invoices and subscriptions, which their payments take."""

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.resources.method_option_shapes import parts
from billow.resources.method_option_shapes.payments import Nothing, Plan


class Acss(Params):
    transaction_type: str | None = f.choice(SHOWN, "business", "personal")


class AcssDebit(Params):
    mandate_options: Acss | None = f.nested(shape=Acss)
    verification_method: str | None = parts.verification()


class Bancontact(Params):
    preferred_language: str = f.choice(SHOWN, "de", "en", "fr", "nl", default="en")


class Billie(Params):
    company_details: parts.CompanyDetails | None = f.nested(shape=parts.CompanyDetails, unset=True)


class InvoicedBillie(Billie):
    reference: str | None = f.text()


class Blik(Params):
    mandate_options: parts.ExpiringMandate | None = f.nested(shape=parts.ExpiringMandate)


class CardMandate(Params):
    amount: int | None = f.amount(min=0)
    amount_type: str | None = f.choice(SHOWN, *parts.FIXED_OR_MOST)
    description: str | None = f.text(max=200, unset=True)


class Card(Params):
    mandate_options: CardMandate | None = f.nested(shape=CardMandate)
    network: str | None = f.choice(SHOWN, *parts.NETWORKS)
    request_three_d_secure: str | None = f.choice(SHOWN, "any", "automatic", "challenge")


class Installments(Params):
    enabled: bool | None = f.boolean()
    plan: Plan | None = f.nested(shape=Plan, unset=True)


class InvoicedCard(Params):
    installments: Installments | None = f.nested(shape=Installments)
    request_three_d_secure: str | None = f.choice(SHOWN, "any", "automatic", "challenge")


class CustomerBalance(Params):
    bank_transfer: parts.SettingsTransfer | None = f.nested(shape=parts.SettingsTransfer)
    funding_type: str | None = f.choice(SHOWN, "bank_transfer")


class PayToTerms(Params):
    amount: int | None = f.amount(min=1)
    purpose: str | None = f.choice(SHOWN, *parts.PURPOSES)


class PayTo(Params):
    mandate_options: PayToTerms | None = f.nested(shape=PayToTerms)


class PixTerms(Params):
    amount: int | None = f.amount(min=1)
    amount_includes_iof: str | None = f.choice(SHOWN, "always", "never")
    end_date: str | None = parts.date()
    payment_schedule: str | None = f.choice(SHOWN, *parts.PIX_INTERVALS)


class Pix(Params):
    expires_after_seconds: int | None = f.integer(min=10, max=1209600)
    mandate_options: PixTerms | None = f.nested(shape=PixTerms)


class InvoicedPix(Params):
    amount_includes_iof: str | None = f.choice(SHOWN, "always", "never")
    expires_after_seconds: int | None = f.integer(min=10, max=1209600)


class Upi(Params):
    mandate_options: parts.UpiMandate | None = f.nested(shape=parts.UpiMandate)


class UsBankAccount(Params):
    financial_connections: parts.Connections | None = f.nested(shape=parts.Connections)
    verification_method: str | None = parts.verification()


class OfSubscriptions(Params):
    """What a subscription sets for the payments of its invoices, by the type of the payment method."""

    acss_debit: AcssDebit | None = f.nested(shape=AcssDebit, unset=True)
    bancontact: Bancontact | None = f.nested(shape=Bancontact, unset=True)
    billie: Billie | None = f.nested(shape=Billie, unset=True)
    blik: Blik | None = f.nested(shape=Blik, unset=True)
    card: Card | None = f.nested(shape=Card, unset=True)
    customer_balance: CustomerBalance | None = f.nested(shape=CustomerBalance, unset=True)
    konbini: Nothing | None = f.nested(shape=Nothing, unset=True)
    payto: PayTo | None = f.nested(shape=PayTo, unset=True)
    pix: Pix | None = f.nested(shape=Pix, unset=True)
    sepa_debit: Nothing | None = f.nested(shape=Nothing, unset=True)
    upi: Upi | None = f.nested(shape=Upi, unset=True)
    us_bank_account: UsBankAccount | None = f.nested(shape=UsBankAccount, unset=True)


class OfInvoices(Params):
    """What an invoice sets for its payments, by the type of the payment method."""

    acss_debit: AcssDebit | None = f.nested(shape=AcssDebit, unset=True)
    bancontact: Bancontact | None = f.nested(shape=Bancontact, unset=True)
    billie: InvoicedBillie | None = f.nested(shape=InvoicedBillie, unset=True)
    blik: Nothing | None = f.nested(shape=Nothing, unset=True)
    card: InvoicedCard | None = f.nested(shape=InvoicedCard, unset=True)
    customer_balance: CustomerBalance | None = f.nested(shape=CustomerBalance, unset=True)
    konbini: Nothing | None = f.nested(shape=Nothing, unset=True)
    payto: PayTo | None = f.nested(shape=PayTo, unset=True)
    pix: InvoicedPix | None = f.nested(shape=InvoicedPix, unset=True)
    sepa_debit: Nothing | None = f.nested(shape=Nothing, unset=True)
    upi: Upi | None = f.nested(shape=Upi, unset=True)
    us_bank_account: UsBankAccount | None = f.nested(shape=UsBankAccount, unset=True)
