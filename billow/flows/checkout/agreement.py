"""Turn a checkout session into the params of the subscription that it creates."""

from collections.abc import Sequence
from typing import Any

from billow.api.fields import instant
from billow.api.params import made, read
from billow.flows.billing.discounts import DiscountTerm
from billow.flows.checkout.params import without_nulls
from billow.flows.quotes.lines import PricedLine
from billow.flows.subscription_terms import one_time_items
from billow.flows.subscription_terms.items import Item
from billow.flows.subscription_terms.params import Subscribe
from billow.flows.taxes.params import AutomaticTax
from billow.resources import checkout_terms as terms
from billow.resources import subscription
from billow.resources.checkout_session import CheckoutSession

PASSED = (
    "application_fee_percent",
    "billing_cycle_anchor_config",
    "billing_mode",
    "default_tax_rates",
    "description",
    "invoice_settings",
    "on_behalf_of",
    "pending_invoice_item_interval",
    "trial_period_days",
)
"""What a subscription is created with as the session says it."""


def subscription_params(
    session: CheckoutSession,
    priced: Sequence[PricedLine],
    customer: str,
    *,
    discounts: Sequence[DiscountTerm] = (),
    method: str | None = None,
    redeemed: bool = False,
) -> Subscribe:
    """Build the params that create the subscription. Its discounts may have been `redeemed` before."""
    data: terms.SubscriptionData = read(
        terms.SubscriptionData, without_nulls(session.data.get("subscription_data") or {})
    )
    given: dict[str, Any] = {name: getattr(data, name) for name in PASSED if data.given(name)}
    trial = instant((session.data.get("subscription_data") or {}).get("trial_end"))
    anchor = instant((session.data.get("subscription_data") or {}).get("billing_cycle_anchor"))
    return made(
        Subscribe,
        **given,
        **({"trial_end": trial} if trial else {}),
        **({"billing_cycle_anchor": anchor} if anchor else {}),
        **({"trial_settings": trial_settings(data)} if data.trial_settings else {}),
        **({"transfer_data": transfer_data(data)} if data.transfer_data else {}),
        **({"discounts": list(discounts)} if discounts else {}),
        add_invoice_items=[one_time_item(one) for one in priced if not one.recurs and one.item.quantity],
        agreed=True,
        **({"automatic_tax": made(AutomaticTax, enabled=True)} if session.automatic_tax["enabled"] else {}),
        currency=session.currency,
        customer=customer,
        default_payment_method=method,
        items=[item(one) for one in priced if one.recurs],
        metadata=data.metadata,
        payment_behavior="error_if_incomplete",
        payment_settings=payment_settings(session),
        proration_behavior=data.proration_behavior or "create_prorations",
        redeemed=redeemed,
    )


def item(one: PricedLine) -> Item:
    return made(
        Item,
        agreed=True,
        metadata=one.item.metadata,
        price=one.price.id,
        quantity=one.item.quantity,
        tax_rates=one.item.tax_rates,
    )


def one_time_item(one: PricedLine) -> one_time_items.OneTimeItem:
    return made(
        one_time_items.OneTimeItem,
        agreed=True,
        metadata=one.item.metadata,
        price=one.price.id,
        quantity=one.item.quantity,
        tax_rates=one.item.tax_rates,
    )


def payment_settings(session: CheckoutSession) -> subscription.PaymentSettings:
    """Return how the subscription is paid: the session's options for cards, and by which methods."""
    return made(subscription.PaymentSettings, save_default_payment_method="off")


def trial_settings(data: terms.SubscriptionData) -> subscription.TrialSettings:
    sent = data.trial_settings.shown() if data.trial_settings else {}
    settings: subscription.TrialSettings = read(subscription.TrialSettings, without_nulls(sent))
    return settings


def transfer_data(data: terms.SubscriptionData) -> subscription.TransferData:
    sent = data.transfer_data.shown() if data.transfer_data else {}
    share: subscription.TransferData = read(subscription.TransferData, without_nulls(sent))
    return share
