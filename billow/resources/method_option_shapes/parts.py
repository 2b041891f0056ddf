"""Parts that the options of several types or nouns share: mandates, company details, bank connections."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.params import Params

NETWORKS = (
    "amex", "cartes_bancaires", "diners", "discover", "eftpos_au", "girocard", "interac", "jcb", "link",
    "mastercard", "unionpay", "unknown", "visa",
)  # fmt: skip
REGISTERS = (
    "ch_ein", "de_hrb", "dk_cvr", "es_cif", "fi_tunnus", "fr_siren", "fr_siret", "it_rea", "nl_kvk",
    "no_org_number", "no_pno", "se_org_number", "se_pno", "uk_crn",
)  # fmt: skip
PURPOSES = (
    "dependant_support", "government", "loan", "mortgage", "other", "pension", "personal", "retail",
    "salary", "tax", "utility",
)  # fmt: skip
DEBITED = (
    "adhoc", "annual", "daily", "fortnightly", "monthly", "quarterly", "semi_annual", "weekly",
)  # fmt: skip
PIX_INTERVALS = ("halfyearly", "monthly", "quarterly", "weekly", "yearly")
FIXED_OR_MOST = ("fixed", "maximum")
ADDRESSES = ("aba", "iban", "sepa", "sort_code", "spei", "swift", "zengin")
TRANSFERS = (
    "eu_bank_transfer", "gb_bank_transfer", "jp_bank_transfer", "mx_bank_transfer", "us_bank_transfer",
)  # fmt: skip


def date(**more: Any) -> Any:
    """Declare a date as Stripe writes it in options: `2026-12-31`."""
    return f.line(max=10, **more)


def verification() -> Any:
    """Declare how a bank account is verified."""
    return f.choice(SHOWN, "automatic", "instant", "microdeposits")


class CardMandate(Params):
    """What the holder of an Indian card agrees to for later payments."""

    amount: int = f.amount(min=0, required=True)
    amount_type: str = f.choice(SHOWN, *FIXED_OR_MOST, required=True)
    description: str | None = f.text(max=200)
    end_date: datetime | None = f.timestamp()
    interval: str = f.choice(SHOWN, "day", "month", "sporadic", "week", "year", required=True)
    interval_count: int | None = f.integer(min=1)
    reference: str = f.text(max=80, required=True)
    start_date: datetime = f.timestamp(required=True)
    supported_types: list[str] | None = f.array(item=f.choice(SHOWN, "india"))


class SetUpCardMandate(CardMandate):
    currency: str = f.currency(required=True)


class BankVerdict(Params):
    cb_avalgo: str = f.choice(SHOWN, "0", "1", "2", "3", "4", "A", required=True)
    cb_exemption: str | None = f.text()
    cb_score: int | None = f.integer(min=0, max=99)


class NetworkOptions(Params):
    cartes_bancaires: BankVerdict | None = f.nested(shape=BankVerdict)


class Authenticated(Params):
    """The result of 3D Secure that a card's holder has passed elsewhere."""

    ares_trans_status: str | None = f.choice(SHOWN, "A", "C", "I", "N", "R", "U", "Y")
    cryptogram: str | None = f.text()
    electronic_commerce_indicator: str | None = f.choice(SHOWN, "01", "02", "05", "06", "07")
    exemption_indicator: str | None = f.choice(SHOWN, "low_risk", "none")
    network_options: NetworkOptions | None = f.nested(shape=NetworkOptions)
    requestor_challenge_indicator: str | None = f.text(max=2)
    transaction_id: str | None = f.text()
    version: str | None = f.choice(SHOWN, "1.0.2", "2.1.0", "2.2.0", "2.3.0", "2.3.1")


class AcssMandate(Params):
    custom_mandate_url: str | None = f.url(unset=True)
    interval_description: str | None = f.text(max=500)
    payment_schedule: str | None = f.choice(SHOWN, "combined", "interval", "sporadic")
    transaction_type: str | None = f.choice(SHOWN, "business", "personal")


class SetUpAcssMandate(AcssMandate):
    default_for: list[str] | None = f.array(item=f.choice(SHOWN, "invoice", "subscription"))


class PrefixMandate(Params):
    """With which letters the reference of a mandate begins."""

    reference_prefix: str | None = f.line(max=12, unset=True)


class ExpiringMandate(Params):
    expires_at: datetime | None = f.timestamp()


class PayToMandate(Params):
    amount: int | None = f.amount(min=1, unset=True)
    amount_type: str | None = f.choice(SHOWN, *FIXED_OR_MOST, unset=True)
    end_date: str | None = date(unset=True)
    payment_schedule: str | None = f.choice(SHOWN, *DEBITED, unset=True)
    payments_per_period: int | None = f.integer(min=1, unset=True)
    purpose: str | None = f.choice(SHOWN, *PURPOSES, unset=True)


class SetUpPayToMandate(PayToMandate):
    start_date: str | None = date(unset=True)


class PixMandate(Params):
    amount: int | None = f.amount(min=1)
    amount_includes_iof: str | None = f.choice(SHOWN, "always", "never")
    amount_type: str | None = f.choice(SHOWN, *FIXED_OR_MOST)
    currency: str | None = f.choice(SHOWN, "brl")
    end_date: str | None = date()
    payment_schedule: str | None = f.choice(SHOWN, *PIX_INTERVALS)
    reference: str | None = f.text(max=35)
    start_date: str | None = date()


class UpiMandate(Params):
    amount: int | None = f.amount(min=1)
    amount_type: str | None = f.choice(SHOWN, *FIXED_OR_MOST)
    description: str | None = f.text(max=20)
    end_date: datetime | None = f.timestamp()


class PaperMandate(Params):
    collection_method: str | None = f.choice(SHOWN, "paper", unset=True)


class RegisteredAddress(Params):
    city: str | None = f.line()
    country: str | None = f.line(max=2)
    line1: str | None = f.line()
    line2: str | None = f.line()
    postal_code: str | None = f.line()
    state: str | None = f.line()


class CompanyDetails(Params):
    """The company that pays by an invoice of Billie's."""

    registered_address: RegisteredAddress | None = f.nested(shape=RegisteredAddress, unset=True)
    registered_name: str | None = f.line()
    registration_number: str | None = f.line()
    registration_type: str | None = f.choice(SHOWN, *REGISTERS, unset=True)
    vat: str | None = f.line()


class AccountFilters(Params):
    account_subcategories: list[str] | None = f.array(item=f.choice(SHOWN, "checking", "savings"))


class Connections(Params):
    """Which data of a US bank account its owner is asked to share."""

    filters: AccountFilters | None = f.nested(shape=AccountFilters)
    permissions: list[str] | None = f.array(
        item=f.choice(SHOWN, "balances", "ownership", "payment_method", "transactions")
    )
    prefetch: list[str] | None = f.array(item=f.choice(SHOWN, "balances", "ownership", "transactions"))


class ReturningConnections(Connections):
    return_url: str | None = f.url()


class Networks(Params):
    requested: list[str] | None = f.array(item=f.choice(SHOWN, "ach", "us_domestic_wire"))


class EuTransfer(Params):
    country: str = f.choice(SHOWN, "BE", "DE", "ES", "FR", "IE", "NL", required=True)


class SettingsTransfer(Params):
    """Into which country's account a customer transfers money for an invoice."""

    eu_bank_transfer: EuTransfer | None = f.nested(shape=EuTransfer)
    type: str | None = f.choice(SHOWN, *TRANSFERS)


class BankTransfer(Params):
    eu_bank_transfer: EuTransfer | None = f.nested(shape=EuTransfer)
    requested_address_types: list[str] | None = f.array(item=f.choice(SHOWN, *ADDRESSES))
    type: str = f.choice(SHOWN, *TRANSFERS, required=True)


class OnDemand(Params):
    average_amount: int | None = f.amount(min=0)
    maximum_amount: int | None = f.amount(min=0)
    minimum_amount: int | None = f.amount(min=0)
    purchase_interval: str | None = f.choice(SHOWN, "day", "month", "week", "year")
    purchase_interval_count: int | None = f.integer(min=1)


class NextBilling(Params):
    amount: int = f.amount(min=0, required=True)
    date: str = f.line(max=10, required=True)


class KlarnaSubscription(Params):
    interval: str = f.choice(SHOWN, "day", "month", "week", "year", required=True)
    interval_count: int | None = f.integer(min=1)
    name: str | None = f.line(max=255)
    next_billing: NextBilling | None = f.nested(shape=NextBilling)
    reference: str = f.line(max=255, required=True)
