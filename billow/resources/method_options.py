"""Shapes of `payment_method_options`: what is set for each type of payment methods of an intent."""

from typing import Any

from billow.api import fields as f
from billow.api.fields import CREATE
from billow.api.params import Params
from billow.resources.payment_method_types import BY_NAME

USAGES = ("none", "off_session", "on_session")
NETWORKS = (
    "amex", "cartes_bancaires", "diners", "discover", "eftpos_au", "girocard", "interac", "jcb", "link",
    "mastercard", "unionpay", "unknown", "visa",
)  # fmt: skip


def if_available() -> Any:
    """Declare a wish that a bank fulfils where it can."""
    return f.choice(CREATE, "if_available", "never")


class CardOptions(Params):
    capture_method: str | None = f.choice(CREATE, "manual", unset=True)
    cvc_token: str | None = f.text()
    installments: dict[str, Any] | None = f.nested()
    mandate_options: dict[str, Any] | None = f.nested()
    moto: bool | None = f.boolean()
    network: str | None = f.choice(CREATE, *NETWORKS)
    request_extended_authorization: str | None = if_available()
    request_incremental_authorization: str | None = if_available()
    request_multicapture: str | None = if_available()
    request_overcapture: str | None = if_available()
    request_three_d_secure: str | None = f.choice(CREATE, "any", "automatic", "challenge")
    require_cvc_recollection: bool | None = f.boolean()
    setup_credential_usage: str | None = f.choice(CREATE, "installment", "recurring", "unscheduled")
    setup_future_usage: str | None = f.choice(CREATE, *USAGES, unset=True)
    statement_descriptor_suffix_kana: str | None = f.line(max=22, unset=True)
    statement_descriptor_suffix_kanji: str | None = f.line(max=17, unset=True)
    stored_credential_usage: str | None = f.choice(CREATE, "installment", "recurring", "unscheduled")
    three_d_secure: dict[str, Any] | None = f.nested()


class OtherOptions(Params):
    """What is set for a bank account, a wallet or a voucher."""

    app_id: str | None = f.text()
    bank_transfer: dict[str, Any] | None = f.nested()
    capture_method: str | None = f.choice(CREATE, "manual", unset=True)
    client: str | None = f.choice(CREATE, "android", "ios", "mobile_web", "web")
    code: str | None = f.text()
    confirmation_number: str | None = f.text(unset=True)
    express_checkout_element_session_id: str | None = f.text()
    currency: str | None = f.currency()
    expires_after_days: int | None = f.integer(min=0, max=60, unset=True)
    expires_after_seconds: int | None = f.integer(min=10, max=1209600)
    expires_at: int | None = f.integer(unset=True)
    financial_connections: dict[str, Any] | None = f.nested()
    funding_type: str | None = f.choice(CREATE, "bank_transfer")
    mandate_options: dict[str, Any] | None = f.nested()
    networks: dict[str, Any] | None = f.nested()
    on_demand: dict[str, Any] | None = f.nested()
    persistent_token: str | None = f.text()
    preferred_language: str | None = f.choice(CREATE, "de", "en", "fr", "nl", unset=True)
    preferred_locale: str | None = f.text()
    product_description: str | None = f.text(unset=True)
    reference: str | None = f.text(unset=True)
    risk_correlation_id: str | None = f.text()
    setup_future_usage: str | None = f.choice(CREATE, *USAGES, unset=True)
    subscriptions: list[Any] | None = f.array(item=f.nested(), unset=True)
    target_date: str | None = f.text()
    tos_shown_and_accepted: bool | None = f.boolean()
    transaction_purpose: str | None = f.choice(
        CREATE, "goods", "other", "services", "unspecified", unset=True
    )
    verification_method: str | None = f.choice(CREATE, "automatic", "instant", "microdeposits")


SHAPES: dict[str, type[Params]] = {
    **dict.fromkeys(BY_NAME, OtherOptions),
    "card": CardOptions,
    **dict.fromkeys(("card_present", "interac_present", "payto", "upi"), OtherOptions),
}


class MethodOptions(Params):
    __annotations__ = dict.fromkeys(SHAPES, Any)
    vars().update({name: f.nested(shape=shape, unset=True) for name, shape in SHAPES.items()})


Sent = dict[str, Any] | None


def shown(types: list[str], sent: Sent, before: Sent = None, setup: bool = False) -> dict[str, Any]:
    """Return the options of an intent: for each of its types what was sent, or else what is usual."""
    options = {}
    for name in types:
        kind = BY_NAME[name]
        usual = kind.setup_options if setup else kind.options
        merged = {**usual, **((before or {}).get(name) or {}), **((sent or {}).get(name) or {})}
        if merged:
            options[name] = merged
    return options
