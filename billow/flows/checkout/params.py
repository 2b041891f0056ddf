"""Declare the params of a checkout session, and check what they allow together."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.params import Params, missing
from billow.core import web_address
from billow.core.errors import Refused, require
from billow.flows.catalog.prices import NewProduct
from billow.flows.payments import able_accounts
from billow.flows.quotes.lines import QuotePriceData
from billow.flows.taxes import params as taxes
from billow.flows.taxes.params import AutomaticTax, check_automatic_tax
from billow.resources import checkout_terms as terms
from billow.resources.checkout_session import UI_MODES
from billow.resources.payment_method import TYPES
from billow.resources.shipping_rate import ShippingRateData
from billow.store.tx import Tx

SHORTEST, LONGEST = timedelta(minutes=30), timedelta(hours=24)
HOSTED = "hosted_page"


class PriceData(QuotePriceData):
    """The price that `price_data` creates for this session alone, one-time or recurring."""

    product: str | None = f.ref("product")  # type: ignore[assignment]
    product_data: NewProduct | None = f.nested(shape=NewProduct)


class Line(Params):
    adjustable_quantity: terms.AdjustableQuantity | None = f.nested(shape=terms.AdjustableQuantity)
    metadata: dict[str, str] = f.metadata()
    price: str | None = f.ref("price")
    price_data: PriceData | None = f.nested(shape=PriceData)
    quantity: int | None = f.integer(min=0, max=terms.MOST_OF_ONE)
    tax_rates: list[str] | None = f.array(item=f.ref("tax_rate"), max=10, unset=True)


class ChangedLine(Line):
    id: str | None = f.text()


class CustomerUpdate(Params):
    address: str = f.choice(SHOWN, "auto", "never", default="never")
    name: str = f.choice(SHOWN, "auto", "never", default="never")
    shipping: str = f.choice(SHOWN, "auto", "never", default="never")


class Offer(Params):
    """A coupon or promotion code that the session comes with."""

    coupon: str | None = f.ref("coupon")
    promotion_code: str | None = f.ref("promotion_code")


class ShippingOption(Params):
    shipping_rate: str | None = f.ref("shipping_rate")
    shipping_rate_data: ShippingRateData | None = f.nested(shape=ShippingRateData)


class Create(Params):
    adaptive_pricing: terms.AdaptivePricing | None = f.nested(shape=terms.AdaptivePricing)
    after_expiration: terms.AfterExpiration | None = f.nested(shape=terms.AfterExpiration)
    allow_promotion_codes: bool | None = f.boolean()
    allowed_payment_method_types: list[str] | None = f.array(item=f.choice(SHOWN, *TYPES))
    automatic_tax: AutomaticTax | None = f.nested(shape=AutomaticTax)
    billing_address_collection: str | None = f.choice(SHOWN, "auto", "required")
    branding_settings: terms.BrandingSettings | None = f.nested(shape=terms.BrandingSettings)
    cancel_url: str | None = f.url()
    client_reference_id: str | None = f.text(max=200)
    consent_collection: terms.ConsentCollection | None = f.nested(shape=terms.ConsentCollection)
    currency: str | None = f.currency()
    custom_fields: list[terms.CustomField] = f.array(SHOWN, terms.CustomField, max=3, default=[])
    custom_text: terms.CustomText | None = f.nested(shape=terms.CustomText)
    customer: str | None = f.ref("customer")
    customer_account: str | None = f.text()
    customer_creation: str | None = f.choice(SHOWN, "always", "if_required")
    customer_email: str | None = f.email()
    customer_update: CustomerUpdate | None = f.nested(shape=CustomerUpdate)
    discounts: list[Offer] | None = f.array(SHOWN, Offer, max=1)
    excluded_payment_method_types: list[str] | None = f.array(item=f.choice(SHOWN, *TYPES))
    expires_at: datetime | None = f.timestamp()
    integration_identifier: str | None = f.text(max=200)
    invoice_creation: terms.InvoiceCreation | None = f.nested(shape=terms.InvoiceCreation)
    line_items: list[Line] | None = f.array(SHOWN, Line, max=100)
    locale: str | None = f.choice(SHOWN, *terms.LOCALES)
    managed_payments: terms.ManagedPayments | None = f.nested(shape=terms.ManagedPayments)
    metadata: dict[str, str] = f.metadata()
    mode: str | None = f.choice(SHOWN, *terms.MODES)
    name_collection: terms.NameCollection | None = f.nested(shape=terms.NameCollection)
    optional_items: list[terms.OptionalItem] | None = f.array(SHOWN, terms.OptionalItem, max=10)
    origin_context: str | None = f.choice(SHOWN, "mobile_app", "web")
    payment_intent_data: terms.PaymentIntentData | None = f.nested(shape=terms.PaymentIntentData)
    payment_method_collection: str | None = f.choice(SHOWN, "always", "if_required")
    payment_method_configuration: str | None = f.text()
    payment_method_data: terms.AllowRedisplay | None = f.nested(shape=terms.AllowRedisplay)
    payment_method_options: Any = f.nested(shape=terms.PaymentMethodOptions)
    permissions: terms.Permissions | None = f.nested(shape=terms.Permissions)
    phone_number_collection: terms.Enabled | None = f.nested(shape=terms.Enabled)
    redirect_on_completion: str | None = f.choice(SHOWN, "always", "if_required", "never")
    return_url: str | None = f.url()
    saved_payment_method_options: terms.SavedMethods | None = f.nested(shape=terms.SavedMethods)
    setup_intent_data: terms.SetupIntentData | None = f.nested(shape=terms.SetupIntentData)
    shipping_address_collection: terms.Countries | None = f.nested(shape=terms.Countries)
    shipping_options: list[ShippingOption] | None = f.array(SHOWN, ShippingOption, max=5)
    submit_type: str | None = f.choice(SHOWN, *terms.SUBMIT_TYPES)
    subscription_data: terms.SubscriptionData | None = f.nested(shape=terms.SubscriptionData)
    success_url: str | None = f.url()
    tax_id_collection: terms.TaxIdCollection | None = f.nested(shape=terms.TaxIdCollection)
    ui_mode: str = f.choice(SHOWN, *UI_MODES, default=HOSTED)
    wallet_options: terms.WalletOptions | None = f.nested(shape=terms.WalletOptions)


#: The params that a mode cannot have.
NOT_IN = {
    "payment": ("setup_intent_data", "subscription_data"),
    "setup": (
        "allow_promotion_codes", "discounts", "invoice_creation", "line_items", "optional_items",
        "payment_intent_data", "payment_method_collection", "shipping_options", "submit_type",
        "subscription_data",
    ),
    "subscription": (
        "customer_creation", "invoice_creation", "payment_intent_data", "setup_intent_data",
        "shipping_options",
    ),
}  # fmt: skip
EXCLUSIVE = (
    ("customer", "customer_email"),
    ("customer", "customer_creation"),
    ("allow_promotion_codes", "discounts"),
    ("allowed_payment_method_types", "payment_method_configuration"),
)


def check(tx: Tx, wanted: Create) -> str:
    """Refuse params that are missing, or do not go together; return the mode of the session."""
    if wanted.mode is None:
        raise missing("mode")
    check_mode(wanted, wanted.mode)
    for one, other in EXCLUSIVE:
        require(
            not (given(wanted, one) and given(wanted, other)),
            f"You may only specify one of these parameters: {one}, {other}.",
            param=one,
            code="parameters_exclusive",
        )
    check_addresses(tx, wanted)
    check_expiry(tx, wanted.expires_at)
    check_taxes(tx, wanted)
    require(
        wanted.customer_update is None or wanted.customer,
        "`customer_update` can only be used with `customer`.",
        param="customer_update",
    )
    if wanted.customer_account is not None:
        raise Refused(
            f"No such account: '{wanted.customer_account}'", param="customer_account", code="resource_missing"
        )
    check_fields(wanted.custom_fields)
    if wanted.subscription_data:
        check_subscription_data(tx, wanted.subscription_data)
    if wanted.payment_intent_data:
        check_shares(tx, wanted.payment_intent_data, "payment_intent_data")
    return wanted.mode


def given(wanted: Params, name: str) -> bool:
    """Return whether a param asks for something; `false` and an empty list do not."""
    return getattr(wanted, name) not in (None, False, [])


def check_mode(wanted: Create, mode: str) -> None:
    for name in NOT_IN[mode]:
        value = getattr(wanted, name)
        require(
            value is None or not wanted.given(name),
            f"You can not pass `{name}` in `{mode}` mode.",
            param=name,
        )
    if mode != "setup" and not wanted.line_items:
        raise missing("line_items")
    require(
        wanted.submit_type is None or mode == "payment" or wanted.submit_type == "subscribe",
        f"`submit_type={wanted.submit_type}` can only be used in `payment` mode.",
        param="submit_type",
    )


def check_taxes(tx: Tx, wanted: Create) -> None:
    """Check that automatic tax is possible, and that nothing is beside it that it would not decide."""
    check_automatic_tax(tx, wanted.automatic_tax)
    automatic = taxes.enabled(wanted.automatic_tax)
    data = wanted.subscription_data
    taxes.check_alone(automatic, data and data.default_tax_rates, "subscription_data[default_tax_rates]")
    taxes.check_lines_alone(automatic, wanted.line_items, "line_items")


def check_addresses(tx: Tx, wanted: Create) -> None:
    """Check which URLs are needed: a hosted page returns to one of two, an embedded one to another."""
    hosted = wanted.ui_mode == HOSTED
    if hosted and wanted.success_url is None:
        raise missing("success_url")
    returns = wanted.ui_mode == "embedded_page" and wanted.redirect_on_completion != "never"
    if returns and wanted.return_url is None:
        raise missing("return_url")
    for name in ("success_url", "cancel_url") if not hosted else ("return_url", "redirect_on_completion"):
        require(
            getattr(wanted, name) is None,
            f"`{name}` cannot be used with `ui_mode: {wanted.ui_mode}`.",
            param=name,
        )
    for name in ("success_url", "cancel_url", "return_url"):
        check_url(tx, getattr(wanted, name), name)


def check_url(tx: Tx, url: str | None, param: str) -> None:
    """Refuse an address in live mode that is not reached by https."""
    require(
        url is None or web_address.split(url).scheme == "https" or not tx.livemode,
        "Livemode requests must always be redirected via HTTPS.",
        param=param,
        code="url_invalid",
    )


def check_expiry(tx: Tx, at: datetime | None) -> None:
    if at is None:
        return
    require(
        at - tx.now >= SHORTEST - timedelta(seconds=1),
        "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
        param="expires_at",
    )
    require(
        at - tx.now <= LONGEST,
        "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
        param="expires_at",
    )


def check_fields(fields: list[terms.CustomField]) -> None:
    """Check custom fields: each has its own key, and a dropdown its options."""
    for place, one in enumerate(fields):
        at = f"custom_fields[{place}]"
        require(one.key.isascii() and one.key.isalnum(), "The key must be alphanumeric.", param=f"{at}[key]")
        require(
            one.key not in [other.key for other in fields[:place]],
            f"The key `{one.key}` is used more than once.",
            param=f"{at}[key]",
        )
        if one.type == "dropdown" and (one.dropdown is None or not one.dropdown.options):
            raise missing(f"{at}[dropdown][options]")
        for kind in ("dropdown", "numeric", "text"):
            require(
                getattr(one, kind) is None or kind == one.type,
                f"You can only set `{kind}` if `type` is `{kind}`.",
                param=f"{at}[{kind}]",
            )


#: Pairs of `subscription_data` of which only one may be sent.
NOT_TOGETHER = (
    ("trial_end", "trial_period_days"),
    ("billing_cycle_anchor", "billing_cycle_anchor_config"),
    ("billing_cycle_anchor", "trial_end"),
    ("billing_cycle_anchor", "trial_period_days"),
)


def check_shares(tx: Tx, data: Any, at: str) -> None:
    """Refuse shares of a payment or a subscription for an account that cannot have any."""
    try:
        able_accounts.check_agreed(tx, data.transfer_data, data.on_behalf_of)
    except Refused as refused:
        first, dot, rest = (refused.param or "").partition("[")
        refused.param = f"{at}[{first}]{dot}{rest}" if first else None
        raise


def check_subscription_data(tx: Tx, data: terms.SubscriptionData) -> None:
    at = "subscription_data"
    check_shares(tx, data, at)
    for one, other in NOT_TOGETHER:
        require(
            getattr(data, one) is None or getattr(data, other) is None,
            f"You may only specify one of these parameters: {at}[{one}], {at}[{other}].",
            param=f"{at}[{one}]",
            code="parameters_exclusive",
        )
    require(
        data.trial_end is None or data.trial_end - tx.now >= timedelta(hours=48),
        "The `trial_end` date has to be at least 2 days in the future.",
        param=f"{at}[trial_end]",
    )
    require(
        data.billing_cycle_anchor is None or data.billing_cycle_anchor > tx.now,
        "billing_cycle_anchor must be a future timestamp.",
        param=f"{at}[billing_cycle_anchor]",
    )
    require(
        data.trial_settings is None or data.trial_end or data.trial_period_days,
        "`trial_settings` can only be used with a trial.",
        param=f"{at}[trial_settings]",
    )


def stored(wanted: Params, names: tuple[str, ...]) -> dict[str, Any]:
    """Return hashes of a request as JSON, with only what was sent."""
    return {name: value.shown() for name in names if isinstance(value := getattr(wanted, name), Params)}


def without_nulls(value: Any) -> Any:
    """Return stored JSON as params read it: without nulls, and with decimals as text."""
    if isinstance(value, Mapping):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [without_nulls(each) for each in value]
    return str(Decimal(str(value))) if isinstance(value, float) else value
