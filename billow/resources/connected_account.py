"""Connected accounts: the accounts of businesses for which a platform bills."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.api.resource import Resource
from billow.resources.customer import Address

TYPES = {
    "custom": ("application_custom", "application", "application", "none"),
    "express": ("application_express", "application", "stripe", "express"),
    "standard": ("account", "stripe", "stripe", "full"),
}
"""Who pays the fees, who bears losses, who collects the requirements, and the dashboard, by type."""
EXTERNAL = "/v1/accounts/{id}/external_accounts"
BUSINESSES = ("company", "government_entity", "individual", "non_profit")
NOTHING_DUE: dict[str, Any] = {
    "alternatives": [],
    "current_deadline": None,
    "currently_due": [],
    "disabled_reason": None,
    "errors": [],
    "eventually_due": [],
    "past_due": [],
    "pending_verification": [],
}
WANTED = ("business_type", "tos_acceptance.date", "tos_acceptance.ip")
"""What the holder of an account has to say before the account can charge."""

CAPABILITIES = frozenset(
    """
    acss_debit_payments affirm_payments afterpay_clearpay_payments alma_payments amazon_pay_payments
    app_distribution au_becs_debit_payments bacs_debit_payments bancontact_payments
    bank_transfer_payments billie_payments bizum_payments blik_payments blik_recurring_payments
    boleto_payments card_issuing card_payments cartes_bancaires_payments cashapp_payments
    crypto_payments eps_payments fpx_payments gb_bank_transfer_payments giropay_payments
    grabpay_payments ideal_payments india_international_payments jcb_payments jp_bank_transfer_payments
    kakao_pay_payments klarna_payments konbini_payments kr_card_payments legacy_payments link_payments
    mb_way_payments mobilepay_payments multibanco_payments mx_bank_transfer_payments naver_pay_payments
    nz_bank_account_becs_debit_payments oxxo_payments p24_payments pay_by_bank_payments payco_payments
    paynow_payments paypay_payments payto_payments pix_payments promptpay_payments revolut_pay_payments
    samsung_pay_payments satispay_payments scalapay_payments sepa_bank_transfer_payments
    sepa_debit_payments sequra_payments sofort_payments sunbit_payments swish_payments
    tax_reporting_us_1099_k tax_reporting_us_1099_misc transfers treasury twint_payments upi_payments
    us_bank_account_ach_payments us_bank_transfer_payments wero_payments zip_payments
    """.split()  # noqa: SIM905
)
"""What an account can ask to be able to."""


class BusinessProfile(Params):
    annual_revenue: None = f.absent()
    estimated_worker_count: int | None = f.integer(min=0)
    mcc: str | None = f.text(max=4)
    minority_owned_business_designation: None = f.absent()
    name: str | None = f.line(unset=True)
    product_description: str | None = f.text(max=40000, unset=True)
    support_address: dict[str, Any] | None = f.nested(shape=Address)
    support_email: str | None = f.email(unset=True)
    support_phone: str | None = f.line(unset=True)
    support_url: str | None = f.line(unset=True)
    url: str | None = f.line(unset=True)


NO_DOCUMENT = {"back": None, "details": None, "details_code": None, "front": None}
FILES = {"back": "file", "front": "file"}


class CompanyVerification(Params):
    document: dict[str, Any] = f.absent(NO_DOCUMENT, refs=FILES)


class PersonVerification(Params):
    additional_document: dict[str, Any] = f.absent(NO_DOCUMENT, refs=FILES)
    details: None = f.absent()
    details_code: None = f.absent()
    document: dict[str, Any] = f.absent(NO_DOCUMENT, refs=FILES)
    status: str = f.absent("unverified")


class Company(Params):
    """The company behind an account; its tax number is not taken, since nobody here checks it."""

    address: dict[str, Any] = f.nested(shape=Address, default=f.blank(Address, {}))
    directors_provided: bool = f.absent(False)
    executives_provided: bool = f.absent(False)
    name: str | None = f.line(max=100, unset=True)
    owners_provided: bool = f.absent(False)
    phone: str | None = f.line(unset=True)
    structure: str | None = f.text(max=100, unset=True)
    tax_id_provided: bool = f.absent(False)
    verification: dict[str, Any] = f.absent(f.blank(CompanyVerification, {}), refs={"document": FILES})


class BirthDate(Params):
    day: int = f.integer(min=1, max=31, required=True)
    month: int = f.integer(min=1, max=12, required=True)
    year: int = f.integer(min=1900, max=2100, required=True)


class Individual(Params):
    """The person behind an account; numbers of identity papers are not taken."""

    address: dict[str, Any] | None = f.nested(shape=Address)
    dob: dict[str, Any] | None = f.nested(shape=BirthDate)
    email: str | None = f.email(unset=True)
    first_name: str | None = f.line(max=100, unset=True)
    last_name: str | None = f.line(max=100, unset=True)
    phone: str | None = f.line(unset=True)
    verification: dict[str, Any] = f.absent(
        f.blank(PersonVerification, {}), refs={"additional_document": FILES, "document": FILES}
    )


class Fees(Params):
    payer: str | None = f.choice(SHOWN, "account", "application")


class Losses(Params):
    payments: str | None = f.choice(SHOWN, "application", "stripe")


class Dashboard(Params):
    type: str | None = f.choice(SHOWN, "express", "full", "none")


class Controller(Params):
    fees: Fees | None = f.nested(shape=Fees)
    losses: Losses | None = f.nested(shape=Losses)
    requirement_collection: str | None = f.choice(SHOWN, "application", "stripe")
    stripe_dashboard: Dashboard | None = f.nested(shape=Dashboard)


class Acceptance(Params):
    """When and from where the holder accepted the terms."""

    date: datetime | None = f.timestamp()
    ip: str | None = f.line(max=45)
    service_agreement: str | None = f.choice(SHOWN, "full", "recipient")
    user_agent: str | None = f.line(max=500)


class Requested(Params):
    requested: bool = f.boolean(required=True)


class Branding(Params):
    icon: str | None = f.text(refs="file")
    logo: str | None = f.text(refs="file")
    primary_color: str | None = f.text(max=7, unset=True)
    secondary_color: str | None = f.text(max=7, unset=True)


class Declining(Params):
    avs_failure: bool = f.boolean(default=False)
    cvc_failure: bool = f.boolean(default=False)


class CardPayments(Params):
    decline_on: dict[str, Any] = f.nested(shape=Declining, default=f.blank(Declining, {}))
    statement_descriptor_prefix: str | None = f.line(max=10, unset=True)
    statement_descriptor_prefix_kana: None = f.absent()
    statement_descriptor_prefix_kanji: None = f.absent()


class DisplayedName(Params):
    """The dashboard's settings, which cannot be changed here."""

    display_name: None = f.absent()
    timezone: str = f.absent("Etc/UTC")


class Saving(Params):
    default_account_tax_ids: list[str] | None = f.array(item=f.text(), max=10, unset=True, refs="tax_id")
    hosted_payment_method_save: str | None = f.choice(SHOWN, "always", "never", "offer")


class Statement(Params):
    statement_descriptor: str | None = f.line(max=22, unset=True)
    statement_descriptor_kana: None = f.absent()
    statement_descriptor_kanji: None = f.absent()


class Schedule(Params):
    delay_days: int = f.integer(min=0, max=31, default=2)
    interval: str = f.choice(SHOWN, "daily", "manual", "monthly", "weekly", default="daily")
    monthly_anchor: int | None = f.integer(min=1, max=31)
    weekly_anchor: str | None = f.text(max=9)


class Payouts(Params):
    """When the gateway pays out; it is kept for it, since billow pays out nothing itself."""

    debit_negative_balances: bool = f.boolean(default=True)
    schedule: dict[str, Any] = f.nested(shape=Schedule, default=f.blank(Schedule, {}))
    statement_descriptor: str | None = f.line(max=22, unset=True)


class Settings(Params):
    branding: dict[str, Any] = f.nested(shape=Branding, default=f.blank(Branding, {}))
    card_payments: dict[str, Any] = f.nested(shape=CardPayments, default=f.blank(CardPayments, {}))
    dashboard: dict[str, Any] = f.absent(f.blank(DisplayedName, {}))
    invoices: dict[str, Any] = f.nested(shape=Saving, default=f.blank(Saving, {}))
    payments: dict[str, Any] = f.nested(shape=Statement, default=f.blank(Statement, {}))
    payouts: dict[str, Any] = f.nested(shape=Payouts, default=f.blank(Payouts, {}))


def due(row: "ConnectedAccount", now: datetime, shown: dict[str, Any]) -> dict[str, Any]:
    """Return what the holder still has to say; nothing once the account was confirmed."""
    accepted = row.tos_acceptance["date"] is not None
    missing = [name for name in WANTED if not (row.business_type if name == "business_type" else accepted)]
    if row.rejected:
        return NOTHING_DUE | {"disabled_reason": f"rejected.{row.rejected}"}
    if row.details_submitted or not missing:
        return NOTHING_DUE
    return NOTHING_DUE | {
        "currently_due": missing,
        "disabled_reason": "requirements.past_due",
        "eventually_due": missing,
        "past_due": missing,
    }


class ConnectedAccount(
    Resource,
    object="account",
    path="/v1/accounts",
    prefix="acct_",
    table="connected_accounts",
    events=("updated",),
):
    """The account of a business for which a platform bills, with customers, invoices and books of its own."""

    lacks = ("livemode",)

    business_profile: dict[str, Any] = f.nested(SHOWN, BusinessProfile, default=f.blank(BusinessProfile, {}))
    business_type: str | None = f.choice(SHOWN, *BUSINESSES)
    capabilities: dict[str, Any] = f.nested(default={})
    charges_enabled: bool = f.boolean(default=False)
    company: dict[str, Any] | None = f.nested(SHOWN, Company, default=f.blank(Company, {}))
    controller: dict[str, Any] = f.nested(required=True)
    country: str = f.text(required=True)
    default_currency: str = f.currency(required=True)
    details_submitted: bool = f.boolean(default=False)
    email: str | None = f.email()
    external_accounts: list[Any] = f.sublist("bank_account", by="account", url=EXTERNAL)
    future_requirements: dict[str, Any] = f.absent(NOTHING_DUE)
    groups: dict[str, Any] = f.absent({"payments_pricing": None})
    individual: dict[str, Any] | None = f.nested(SHOWN, Individual)
    metadata: dict[str, str] = f.metadata(SHOWN)
    payouts_enabled: bool = f.absent(False)
    requirements: dict[str, Any] = f.computed(due)
    settings: dict[str, Any] = f.nested(SHOWN, Settings, default=f.blank(Settings, {}))
    tos_acceptance: dict[str, Any] = f.nested(SHOWN, Acceptance, default=f.blank(Acceptance, {}))
    type: str = f.choice(SHOWN, "custom", "express", "standard", "none", required=True)

    requested_at: dict[str, int] = f.nested(default={}, hidden=True)
    """When the platform asked for each capability, in seconds since 1970."""
    rejected: str | None = f.text(hidden=True)
    """Why the platform rejected the account; it can charge nobody then."""
    link: dict[str, Any] | None = f.nested(hidden=True)
    """The last address that was made for its holder: `id`, `expires_at`, `return_url`, `refresh_url`."""


def capability(row: ConnectedAccount, name: str, now: datetime) -> dict[str, Any]:
    """Return a capability as it is shown: active once the account can charge, and till then what is due."""
    asked = name in row.capabilities
    return {
        "id": name,
        "object": "capability",
        "account": row.id,
        "future_requirements": NOTHING_DUE,
        "requested": asked,
        "requested_at": row.requested_at.get(name),
        "requirements": due(row, now, {}) if asked else NOTHING_DUE,
        "status": row.capabilities.get(name, "unrequested"),
    }


def changed_capabilities(
    before: ConnectedAccount, after: ConnectedAccount, now: datetime
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the capabilities whose state has changed, each as it is and as it was."""
    names = sorted({*before.capabilities, *after.capabilities})
    pairs = [(capability(after, name, now), capability(before, name, now)) for name in names]
    return [(new, old) for new, old in pairs if new["status"] != old["status"]]
