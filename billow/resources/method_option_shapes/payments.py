"""Options of the payment methods of a payment intent, one shape for each way to pay."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.fields import CREATE
from billow.api.params import Params
from billow.resources.method_option_shapes import parts

KLARNA_LOCALES = (
    "cs-CZ", "da-DK", "de-AT", "de-CH", "de-DE", "el-GR", "en-AT", "en-AU", "en-BE", "en-CA",
    "en-CH", "en-CZ", "en-DE", "en-DK", "en-ES", "en-FI", "en-FR", "en-GB", "en-GR", "en-IE",
    "en-IT", "en-NL", "en-NO", "en-NZ", "en-PL", "en-PT", "en-RO", "en-SE", "en-US", "es-ES",
    "es-US", "fi-FI", "fr-BE", "fr-CA", "fr-CH", "fr-FR", "it-CH", "it-IT", "nb-NO", "nl-BE",
    "nl-NL", "pl-PL", "pt-PT", "ro-RO", "sv-FI", "sv-SE",
)  # fmt: skip
PAYPAL_LOCALES = (
    "cs-CZ", "da-DK", "de-AT", "de-DE", "de-LU", "el-GR", "en-GB", "en-US", "es-ES", "fi-FI",
    "fr-BE", "fr-FR", "fr-LU", "hu-HU", "it-IT", "nl-BE", "nl-NL", "pl-PL", "pt-PT", "sk-SK",
    "sv-SE",
)  # fmt: skip
USAGES = ("none", "off_session", "on_session")


def held() -> Any:
    """Declare that a payment is held until it is captured."""
    return f.choice(CREATE, "manual", unset=True)


def kept(*usages: str) -> Any:
    """Declare for which later payments a method is kept."""
    return f.choice(CREATE, *(usages or USAGES), unset=True)


def if_available() -> Any:
    """Declare a wish that a bank fulfils where it can."""
    return f.choice(CREATE, "if_available", "never")


class Nothing(Params):
    """A type of which nothing can be said."""


class Held(Params):
    capture_method: str | None = held()


class Once(Params):
    setup_future_usage: str | None = kept("none")


class HeldOnce(Held, Once):
    pass


class Kept(Params):
    setup_future_usage: str | None = kept()


class KeptForAbsent(Params):
    setup_future_usage: str | None = kept("none", "off_session")


class HeldOrKept(Held, Kept):
    pass


class HeldOrKeptForAbsent(Held, KeptForAbsent):
    pass


class Debit(Kept):
    target_date: str | None = parts.date()


class Plan(Params):
    count: int | None = f.integer(min=1)
    interval: str | None = f.choice(CREATE, "month")
    type: str = f.choice(CREATE, "bonus", "fixed_count", "revolving", required=True)


class Installments(Params):
    enabled: bool | None = f.boolean()
    plan: Plan | None = f.nested(shape=Plan, unset=True)


class Card(HeldOrKept):
    cvc_token: str | None = f.text()
    installments: Installments | None = f.nested(shape=Installments)
    mandate_options: parts.CardMandate | None = f.nested(shape=parts.CardMandate)
    moto: bool | None = f.boolean()
    network: str | None = f.choice(CREATE, *parts.NETWORKS)
    request_extended_authorization: str | None = if_available()
    request_incremental_authorization: str | None = if_available()
    request_multicapture: str | None = if_available()
    request_overcapture: str | None = if_available()
    request_three_d_secure: str | None = f.choice(CREATE, "any", "automatic", "challenge")
    require_cvc_recollection: bool | None = f.boolean()
    setup_credential_usage: str | None = f.choice(CREATE, "installment", "recurring", "unscheduled")
    statement_descriptor_suffix_kana: str | None = f.line(max=22, unset=True)
    statement_descriptor_suffix_kanji: str | None = f.line(max=17, unset=True)
    stored_credential_usage: str | None = f.choice(CREATE, "installment", "recurring", "unscheduled")
    three_d_secure: parts.Authenticated | None = f.nested(shape=parts.Authenticated)


class Routing(Params):
    requested_priority: str | None = f.choice(CREATE, "domestic", "international")


class CardPresent(Params):
    capture_method: str | None = f.choice(CREATE, "manual", "manual_preferred")
    request_extended_authorization: bool | None = f.boolean()
    request_incremental_authorization_support: bool | None = f.boolean()
    routing: Routing | None = f.nested(shape=Routing)


class AcssDebit(Debit):
    mandate_options: parts.AcssMandate | None = f.nested(shape=parts.AcssMandate)
    verification_method: str | None = parts.verification()


class PrefixedDebit(Debit):
    """A debit by a mandate whose reference the seller may begin: SEPA and Bacs."""

    mandate_options: parts.PrefixMandate | None = f.nested(shape=parts.PrefixMandate)


class UsBankAccount(Debit):
    financial_connections: parts.ReturningConnections | None = f.nested(shape=parts.ReturningConnections)
    mandate_options: parts.PaperMandate | None = f.nested(shape=parts.PaperMandate)
    networks: parts.Networks | None = f.nested(shape=parts.Networks)
    transaction_purpose: str | None = f.choice(
        CREATE, "goods", "other", "services", "unspecified", unset=True
    )
    verification_method: str | None = parts.verification()


class Affirm(HeldOnce):
    preferred_locale: str | None = f.text(max=30)


class AfterpayClearpay(HeldOnce):
    reference: str | None = f.text(max=128)


class Bancontact(KeptForAbsent):
    preferred_language: str | None = f.choice(CREATE, "de", "en", "fr", "nl")


class Billie(Held):
    company_details: parts.CompanyDetails | None = f.nested(shape=parts.CompanyDetails, unset=True)
    reference: str | None = f.text()


class Blik(KeptForAbsent):
    code: str | None = f.line(max=6)
    mandate_options: parts.ExpiringMandate | None = f.nested(shape=parts.ExpiringMandate)


class Boleto(Kept):
    expires_after_days: int | None = f.integer(min=0, max=60)


class CustomerBalance(Once):
    bank_transfer: parts.BankTransfer | None = f.nested(shape=parts.BankTransfer)
    funding_type: str | None = f.choice(CREATE, "bank_transfer")


class Klarna(HeldOrKept):
    on_demand: parts.OnDemand | None = f.nested(shape=parts.OnDemand)
    preferred_locale: str | None = f.choice(CREATE, *KLARNA_LOCALES)
    subscriptions: list[parts.KlarnaSubscription] | None = f.array(item=parts.KlarnaSubscription, unset=True)


class Konbini(Once):
    confirmation_number: str | None = f.line(max=11, unset=True)
    expires_after_days: int | None = f.integer(min=1, max=60, unset=True)
    expires_at: datetime | None = f.timestamp(unset=True)
    product_description: str | None = f.line(max=22, unset=True)


class Link(HeldOrKeptForAbsent):
    persistent_token: str | None = f.text()


class Oxxo(Once):
    expires_after_days: int | None = f.integer(min=1, max=7)


class P24(Once):
    tos_shown_and_accepted: bool | None = f.boolean()


class Paypal(HeldOrKeptForAbsent):
    preferred_locale: str | None = f.choice(CREATE, *PAYPAL_LOCALES)
    reference: str | None = f.text(max=127)
    risk_correlation_id: str | None = f.text(max=32)


class PayTo(KeptForAbsent):
    mandate_options: parts.PayToMandate | None = f.nested(shape=parts.PayToMandate)


class Pix(KeptForAbsent):
    amount_includes_iof: str | None = f.choice(CREATE, "always", "never")
    expires_after_seconds: int | None = f.integer(min=10, max=1209600)
    expires_at: datetime | None = f.timestamp()
    mandate_options: parts.PixMandate | None = f.nested(shape=parts.PixMandate)


class Sofort(KeptForAbsent):
    preferred_language: str | None = f.choice(CREATE, "de", "en", "es", "fr", "it", "nl", "pl", unset=True)


class Swish(Once):
    reference: str | None = f.line(max=35, unset=True)


class Upi(Kept):
    mandate_options: parts.UpiMandate | None = f.nested(shape=parts.UpiMandate)


class WechatPay(Once):
    app_id: str | None = f.text()
    client: str | None = f.choice(CREATE, "android", "ios", "web")


#: The shape of each type.
SHAPES: dict[str, type[Params]] = {
    **dict.fromkeys(("bizum", "interac_present", "pay_by_bank", "paypay"), Nothing),
    **dict.fromkeys(("alma", "scalapay"), Held),
    **dict.fromkeys(("crypto", "eps", "fpx", "giropay", "grabpay", "mb_way", "multibanco"), Once),
    **dict.fromkeys(("paynow", "promptpay", "zip"), Once),
    **dict.fromkeys(("mobilepay", "payco", "samsung_pay", "sequra", "sunbit"), HeldOnce),
    **dict.fromkeys(("cashapp", "satispay"), HeldOrKept),
    **dict.fromkeys(("alipay", "ideal", "twint"), KeptForAbsent),
    **dict.fromkeys(("amazon_pay", "kakao_pay", "kr_card", "naver_pay", "revolut_pay"), HeldOrKeptForAbsent),
    **dict.fromkeys(("au_becs_debit", "nz_bank_account"), Debit),
    **dict.fromkeys(("bacs_debit", "sepa_debit"), PrefixedDebit),
    "acss_debit": AcssDebit,
    "affirm": Affirm,
    "afterpay_clearpay": AfterpayClearpay,
    "bancontact": Bancontact,
    "billie": Billie,
    "blik": Blik,
    "boleto": Boleto,
    "card": Card,
    "card_present": CardPresent,
    "customer_balance": CustomerBalance,
    "klarna": Klarna,
    "konbini": Konbini,
    "link": Link,
    "oxxo": Oxxo,
    "p24": P24,
    "paypal": Paypal,
    "payto": PayTo,
    "pix": Pix,
    "sofort": Sofort,
    "swish": Swish,
    "upi": Upi,
    "us_bank_account": UsBankAccount,
    "wechat_pay": WechatPay,
}
