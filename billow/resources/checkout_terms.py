"""Define what checkout sessions and payment links agree on: what is collected, offered and shown."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.resources.customer import Address
from billow.resources.subscription import (
    AnchorConfig,
    BillingMode,
    InvoiceSettings,
    Issuer,
    PendingItemInterval,
)

LOCALES = (
    "auto", "bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA",
    "hi-IN", "hr", "hu", "id", "it", "ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR",
    "ro", "ru", "sk", "sl", "sv", "th", "tr", "vi", "zh", "zh-HK", "zh-TW",
)  # fmt: skip
MODES = ("payment", "setup", "subscription")
FONTS = (
    "be_vietnam_pro", "bitter", "chakra_petch", "default", "hahmlet", "inconsolata", "inter", "lato", "lora",
    "m_plus_1_code", "montserrat", "noto_sans", "noto_sans_jp", "noto_serif", "nunito", "open_sans", "pridi",
    "pt_sans", "pt_serif", "raleway", "roboto", "roboto_slab", "source_sans_pro", "titillium_web",
    "ubuntu_mono", "zen_maru_gothic",
)  # fmt: skip
OPTION_TYPES = (
    "acss_debit", "affirm", "afterpay_clearpay", "alipay", "alma", "amazon_pay", "au_becs_debit",
    "bacs_debit", "bancontact", "billie", "bizum", "boleto", "cashapp", "crypto", "customer_balance", "eps",
    "fpx", "giropay", "grabpay", "ideal", "kakao_pay", "klarna", "konbini", "kr_card", "link", "mb_way",
    "mobilepay", "multibanco", "naver_pay", "nz_bank_account", "oxxo", "p24", "pay_by_bank", "payco",
    "paynow", "paypal", "payto", "pix", "revolut_pay", "samsung_pay", "satispay", "scalapay", "sepa_debit",
    "sequra", "sofort", "sunbit", "swish", "twint", "upi", "us_bank_account", "wechat_pay",
)  # fmt: skip
SUBMIT_TYPES = ("auto", "book", "donate", "pay", "subscribe")
MOST_OF_ONE = 999_999
"""The largest quantity that a customer can choose."""


class AdaptivePricing(Params):
    enabled: bool = f.boolean(default=False)


class AdjustableQuantity(Params):
    """Whether the customer may change the quantity, and within which bounds."""

    enabled: bool = f.boolean(required=True)
    maximum: int | None = f.integer(min=1, max=MOST_OF_ONE)
    minimum: int | None = f.integer(min=0, max=MOST_OF_ONE)


class Recovery(Params):
    allow_promotion_codes: bool = f.boolean(default=False)
    enabled: bool = f.boolean(required=True)


class RecoveryShown(Recovery):
    expires_at: datetime | None = f.timestamp()
    url: str | None = f.text()


class AfterExpiration(Params):
    """Whether an expired session can be begun again at another address."""

    recovery: Recovery | None = f.nested(shape=Recovery)


class BrandImage(Params):
    file: str | None = f.text()
    type: str = f.choice(SHOWN, "file", "url", required=True)
    url: str | None = f.text()


class BrandingSettings(Params):
    background_color: str | None = f.text(unset=True, max=7)
    border_style: str | None = f.choice(SHOWN, "pill", "rectangular", "rounded", unset=True)
    button_color: str | None = f.text(unset=True, max=7)
    display_name: str | None = f.line()
    font_family: str | None = f.choice(SHOWN, *FONTS, unset=True)
    icon: BrandImage | None = f.nested(shape=BrandImage)
    logo: BrandImage | None = f.nested(shape=BrandImage)


class ReuseAgreement(Params):
    position: str = f.choice(SHOWN, "auto", "hidden", required=True)


class ConsentCollection(Params):
    payment_method_reuse_agreement: ReuseAgreement | None = f.nested(shape=ReuseAgreement)
    promotions: str = f.choice(SHOWN, "auto", "none", default="none")
    terms_of_service: str = f.choice(SHOWN, "none", "required", default="none")


class Option(Params):
    label: str = f.line(max=100, required=True)
    value: str = f.text(max=100, required=True)


class Dropdown(Params):
    default_value: str | None = f.text(max=100)
    options: list[Option] = f.array(SHOWN, Option, max=200, required=True)


class Label(Params):
    custom: str = f.line(max=50, required=True)
    type: str = f.choice(SHOWN, "custom", required=True)


class TextField(Params):
    default_value: str | None = f.text(max=255)
    maximum_length: int | None = f.integer(min=1, max=255)
    minimum_length: int | None = f.integer(min=1, max=255)


class CustomField(Params):
    """A field that the merchant asks the customer to fill in."""

    dropdown: Dropdown | None = f.nested(shape=Dropdown)
    key: str = f.text(max=200, required=True)
    label: Label = f.nested(shape=Label, required=True)
    numeric: TextField | None = f.nested(shape=TextField)
    optional: bool = f.boolean(default=False)
    text: TextField | None = f.nested(shape=TextField)
    type: str = f.choice(SHOWN, "dropdown", "numeric", "text", required=True)


class Message(Params):
    message: str = f.text(max=1200, required=True)


class CustomText(Params):
    """Texts of the merchant on the page, as plain text."""

    after_submit: Message | None = f.nested(shape=Message, unset=True)
    shipping_address: Message | None = f.nested(shape=Message, unset=True)
    submit: Message | None = f.nested(shape=Message, unset=True)
    terms_of_service_acceptance: Message | None = f.nested(shape=Message, unset=True)


class InvoiceCustomField(Params):
    name: str = f.line(max=40, required=True)
    value: str = f.line(max=140, required=True)


class RenderingOptions(Params):
    amount_tax_display: str | None = f.choice(SHOWN, "exclude_tax", "include_inclusive_tax", unset=True)
    template: str | None = f.ref("invoice_rendering_template", unset=True)


class InvoiceData(Params):
    account_tax_ids: list[str] | None = f.array(item=f.text(), unset=True)
    custom_fields: list[InvoiceCustomField] | None = f.array(SHOWN, InvoiceCustomField, max=4, unset=True)
    description: str | None = f.text(max=1500, unset=True)
    footer: str | None = f.text(unset=True)
    issuer: Issuer | None = f.nested(shape=Issuer)
    metadata: dict[str, str] = f.metadata()
    rendering_options: RenderingOptions | None = f.nested(shape=RenderingOptions, unset=True)


class InvoiceCreation(Params):
    """Whether a payment has an invoice, and what stands on it."""

    enabled: bool = f.boolean(required=True)
    invoice_data: InvoiceData = f.nested(shape=InvoiceData, default=InvoiceData().shown())


class ManagedPayments(Params):
    enabled: bool = f.boolean(default=False)


class NameAsked(Params):
    enabled: bool = f.boolean(required=True)
    optional: bool = f.boolean(default=False)


class NameCollection(Params):
    business: NameAsked | None = f.nested(shape=NameAsked)
    individual: NameAsked | None = f.nested(shape=NameAsked)


class OptionalItem(Params):
    """An item that the customer may add."""

    adjustable_quantity: AdjustableQuantity | None = f.nested(shape=AdjustableQuantity)
    price: str = f.text(required=True)
    quantity: int = f.integer(min=0, max=MOST_OF_ONE, required=True)


class Installments(Params):
    enabled: bool | None = f.boolean()


class Restrictions(Params):
    brands_blocked: list[str] | None = f.array(item=f.text())


AUTHORIZATION = ("if_available", "never")


class CardOptions(Params):
    """How cards are charged. Overcapture, multicapture and the like are up to the gateway."""

    capture_method: str | None = f.choice(SHOWN, "automatic", "automatic_async", "manual")
    installments: Installments | None = f.nested(shape=Installments)
    request_decremental_authorization: str | None = f.choice(SHOWN, *AUTHORIZATION)
    request_extended_authorization: str | None = f.choice(SHOWN, *AUTHORIZATION)
    request_incremental_authorization: str | None = f.choice(SHOWN, *AUTHORIZATION)
    request_multicapture: str | None = f.choice(SHOWN, *AUTHORIZATION)
    request_overcapture: str | None = f.choice(SHOWN, *AUTHORIZATION)
    request_three_d_secure: str = f.choice(SHOWN, "any", "automatic", "challenge", default="automatic")
    restrictions: Restrictions | None = f.nested(shape=Restrictions)
    setup_future_usage: str | None = f.choice(SHOWN, "off_session", "on_session")
    statement_descriptor_suffix_kana: str | None = f.line(max=22)
    statement_descriptor_suffix_kanji: str | None = f.line(max=17)


def _options() -> type[Params]:
    """Make the class of the options of each type: of cards whole, of others as they are sent."""
    declared = {name: f.nested() for name in OPTION_TYPES} | {"card": f.nested(shape=CardOptions)}
    hints = dict.fromkeys(declared, Any)
    return type("PaymentMethodOptions", (Params,), {**declared, "__annotations__": hints})


PaymentMethodOptions = _options()


class AllowRedisplay(Params):
    allow_redisplay: str | None = f.choice(SHOWN, "always", "limited", "unspecified")


class Permissions(Params):
    update_shipping_details: str | None = f.choice(SHOWN, "client_only", "server_only")


class Enabled(Params):
    enabled: bool = f.boolean(required=True)


class SavedMethods(Params):
    allow_redisplay_filters: list[str] | None = f.array(
        item=f.choice(SHOWN, "always", "limited", "unspecified")
    )
    payment_method_remove: str | None = f.choice(SHOWN, "disabled", "enabled")
    payment_method_save: str | None = f.choice(SHOWN, "disabled", "enabled")


class Countries(Params):
    allowed_countries: list[str] = f.array(item=f.text(max=2), max=300, required=True)


class TaxIdCollection(Params):
    enabled: bool = f.boolean(required=True)
    required: str = f.choice(SHOWN, "if_supported", "never", default="never")


class LinkWallet(Params):
    display: str | None = f.choice(SHOWN, "auto", "never")


class WalletOptions(Params):
    link: LinkWallet | None = f.nested(shape=LinkWallet)


class ShippedTo(Params):
    """Where a payment is shipped to."""

    address: Address = f.nested(shape=Address, required=True)
    carrier: str | None = f.text()
    name: str = f.line(required=True)
    phone: str | None = f.line()
    tracking_number: str | None = f.text()


class PaymentTransfer(Params):
    amount: int | None = f.amount(min=0)
    destination: str = f.text(required=True)


class PaymentIntentData(Params):
    """What the payment intent of a session gets."""

    application_fee_amount: int | None = f.amount(min=0)
    capture_method: str | None = f.choice(SHOWN, "automatic", "automatic_async", "manual")
    description: str | None = f.text(unset=True)
    metadata: dict[str, str] = f.metadata()
    on_behalf_of: str | None = f.text()
    receipt_email: str | None = f.email()
    setup_future_usage: str | None = f.choice(SHOWN, "off_session", "on_session", unset=True)
    shipping: ShippedTo | None = f.nested(shape=ShippedTo)
    statement_descriptor: str | None = f.line(max=22, unset=True)
    statement_descriptor_suffix: str | None = f.line(max=22, unset=True)
    transfer_data: PaymentTransfer | None = f.nested(shape=PaymentTransfer)
    transfer_group: str | None = f.text()


class SetupIntentData(Params):
    description: str | None = f.text()
    metadata: dict[str, str] = f.metadata()
    on_behalf_of: str | None = f.text()


class EndBehavior(Params):
    missing_payment_method: str = f.choice(SHOWN, "cancel", "create_invoice", "pause", required=True)


class TrialSettings(Params):
    end_behavior: EndBehavior = f.nested(shape=EndBehavior, required=True)


class SubscriptionTransfer(Params):
    amount_percent: Decimal | None = f.number(min=0, max=100, places=2)
    destination: str = f.text(required=True)


class SubscriptionData(Params):
    """What the subscription of a session gets."""

    application_fee_percent: Decimal | None = f.number(min=0, max=100, places=2)
    billing_cycle_anchor: datetime | None = f.timestamp()
    billing_cycle_anchor_config: AnchorConfig | None = f.nested(shape=AnchorConfig)
    billing_mode: BillingMode | None = f.nested(shape=BillingMode)
    default_tax_rates: list[str] | None = f.array(item=f.ref("tax_rate"), max=5)
    description: str | None = f.text(max=500)
    invoice_settings: InvoiceSettings | None = f.nested(shape=InvoiceSettings)
    metadata: dict[str, str] = f.metadata()
    on_behalf_of: str | None = f.text()
    pending_invoice_item_interval: PendingItemInterval | None = f.nested(shape=PendingItemInterval)
    proration_behavior: str | None = f.choice(SHOWN, "create_prorations", "none")
    transfer_data: SubscriptionTransfer | None = f.nested(shape=SubscriptionTransfer)
    trial_end: datetime | None = f.timestamp()
    trial_period_days: int | None = f.integer(min=1, max=730)
    trial_settings: TrialSettings | None = f.nested(shape=TrialSettings)
