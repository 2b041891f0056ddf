"""Options of the payment methods of a setup intent, one shape for each type that can be kept."""

from billow.api import fields as f
from billow.api.fields import CREATE
from billow.api.params import Params
from billow.resources.method_option_shapes import parts
from billow.resources.method_option_shapes.payments import KLARNA_LOCALES, Nothing, Upi


class AcssDebit(Params):
    currency: str | None = f.choice(CREATE, "cad", "usd")
    mandate_options: parts.SetUpAcssMandate | None = f.nested(shape=parts.SetUpAcssMandate)
    verification_method: str | None = parts.verification()


class Prefixed(Params):
    """A debit by a mandate whose reference the seller may begin: SEPA and Bacs."""

    mandate_options: parts.PrefixMandate | None = f.nested(shape=parts.PrefixMandate)


class Blik(Params):
    code: str | None = f.line(max=6)
    mandate_options: parts.ExpiringMandate | None = f.nested(shape=parts.ExpiringMandate)


class Card(Params):
    mandate_options: parts.SetUpCardMandate | None = f.nested(shape=parts.SetUpCardMandate)
    moto: bool | None = f.boolean()
    network: str | None = f.choice(CREATE, *parts.NETWORKS)
    request_three_d_secure: str | None = f.choice(CREATE, "any", "automatic", "challenge")
    setup_credential_usage: str | None = f.choice(CREATE, "installment", "recurring", "unscheduled")
    three_d_secure: parts.Authenticated | None = f.nested(shape=parts.Authenticated)


class Klarna(Params):
    currency: str | None = f.currency()
    on_demand: parts.OnDemand | None = f.nested(shape=parts.OnDemand)
    preferred_locale: str | None = f.choice(CREATE, *KLARNA_LOCALES)
    subscriptions: list[parts.KlarnaSubscription] | None = f.array(item=parts.KlarnaSubscription, unset=True)


class Link(Params):
    persistent_token: str | None = f.text()


class Paypal(Params):
    billing_agreement_id: str | None = f.text()


class PayTo(Params):
    mandate_options: parts.SetUpPayToMandate | None = f.nested(shape=parts.SetUpPayToMandate)


class Pix(Params):
    mandate_options: parts.PixMandate | None = f.nested(shape=parts.PixMandate)


class UsBankAccount(Params):
    financial_connections: parts.ReturningConnections | None = f.nested(shape=parts.ReturningConnections)
    mandate_options: parts.PaperMandate | None = f.nested(shape=parts.PaperMandate)
    networks: parts.Networks | None = f.nested(shape=parts.Networks)
    verification_method: str | None = parts.verification()


#: The shape of each type.
SHAPES: dict[str, type[Params]] = {
    **dict.fromkeys(("amazon_pay", "bizum", "card_present"), Nothing),
    **dict.fromkeys(("bacs_debit", "sepa_debit"), Prefixed),
    "acss_debit": AcssDebit,
    "blik": Blik,
    "card": Card,
    "klarna": Klarna,
    "link": Link,
    "paypal": Paypal,
    "payto": PayTo,
    "pix": Pix,
    "upi": Upi,
    "us_bank_account": UsBankAccount,
}
