"""Create sessions of the billing portal."""

from datetime import datetime, timedelta
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params, missing
from billow.api.resource import route
from billow.core import lifecycle
from billow.core.errors import Refused, require
from billow.flows.papers import links
from billow.flows.portal import configurations
from billow.resources.customer import Customer
from billow.resources.portal_configuration import PortalConfiguration
from billow.resources.portal_session import LOCALES, PortalSession
from billow.resources.subscription import Subscription
from billow.store import clocks
from billow.store.ids import new_id
from billow.store.tx import Tx

LASTS = timedelta(hours=1)
"""How long the address of a session opens the portal."""


class Confirmation(Params):
    custom_message: str | None = f.text(max=500)


class Redirect(Params):
    return_url: str = f.url(required=True)


class AfterCompletion(Params):
    hosted_confirmation: Confirmation | None = f.nested(shape=Confirmation)
    redirect: Redirect | None = f.nested(shape=Redirect)
    type: str = f.choice(SHOWN, "hosted_confirmation", "portal_homepage", "redirect", required=True)


class CouponOffer(Params):
    coupon: str = f.ref("coupon", required=True)


class Retention(Params):
    coupon_offer: CouponOffer = f.nested(shape=CouponOffer, required=True)
    type: str = f.choice(SHOWN, "coupon_offer", required=True)


class CancelFlow(Params):
    retention: Retention | None = f.nested(shape=Retention)
    subscription: str = f.ref("subscription", required=True)


class SubscriptionFlow(Params):
    subscription: str = f.ref("subscription", required=True)


class ConfirmedDiscount(Params):
    coupon: str | None = f.ref("coupon")
    promotion_code: str | None = f.ref("promotion_code")


class ConfirmedItem(Params):
    id: str = f.text(required=True)
    price: str | None = f.ref("price")
    quantity: int | None = f.integer(min=0, max=999_999)


class ConfirmFlow(Params):
    discounts: list[ConfirmedDiscount] | None = f.array(SHOWN, ConfirmedDiscount, max=1)
    items: list[ConfirmedItem] = f.array(SHOWN, ConfirmedItem, max=1, required=True)
    subscription: str = f.ref("subscription", required=True)


class FlowData(Params):
    after_completion: AfterCompletion | None = f.nested(shape=AfterCompletion)
    subscription_cancel: CancelFlow | None = f.nested(shape=CancelFlow)
    subscription_pause: SubscriptionFlow | None = f.nested(shape=SubscriptionFlow)
    subscription_update: SubscriptionFlow | None = f.nested(shape=SubscriptionFlow)
    subscription_update_confirm: ConfirmFlow | None = f.nested(shape=ConfirmFlow)
    type: str = f.choice(
        SHOWN,
        "customer_update",
        "payment_method_update",
        "subscription_cancel",
        "subscription_pause",
        "subscription_update",
        "subscription_update_confirm",
        required=True,
    )


class CustomerLogin(Params):
    expires_at: datetime | None = f.timestamp()


class AfterExpiration(Params):
    customer_login: CustomerLogin | None = f.nested(shape=CustomerLogin)
    type: str = f.choice(SHOWN, "customer_login", required=True)


class Create(Params):
    after_expiration: AfterExpiration | None = f.nested(shape=AfterExpiration)
    configuration: str | None = f.ref("billing_portal.configuration")
    customer: str | None = f.ref("customer")
    customer_account: str | None = f.text()
    flow_data: FlowData | None = f.nested(shape=FlowData)
    locale: str | None = f.choice(SHOWN, *LOCALES)
    on_behalf_of: str | None = f.text()
    return_url: str | None = f.url()


@route("POST", "/v1/billing_portal/sessions", Create)
def create(tx: Tx, wanted: Create) -> PortalSession:
    """Create a session of the billing portal: an address at which a customer enters it within an hour."""
    if wanted.customer_account is not None:
        raise Refused(
            f"No such account: '{wanted.customer_account}'", param="customer_account", code="resource_missing"
        )
    if wanted.customer is None:
        raise missing("customer")
    customer = rows.lock(tx, Customer, wanted.customer, param="customer")
    tx = clocks.enter(tx, customer.test_clock)
    configuration = configuration_of(tx, wanted.configuration)
    id = new_id(PortalSession.prefix)
    return rows.insert(
        tx,
        PortalSession(
            id=id,
            after_expiration=wanted.after_expiration.shown() if wanted.after_expiration else None,
            configuration=configuration.id,
            customer=customer.id,
            expires_at=tx.wall + LASTS,
            flow=flow_of(tx, wanted.flow_data, configuration, customer) if wanted.flow_data else None,
            locale=wanted.locale,
            on_behalf_of=wanted.on_behalf_of,
            return_url=wanted.return_url or configuration.default_return_url,
            url=links.portal(tx, id),
        ),
    )


def configuration_of(tx: Tx, id: str | None) -> PortalConfiguration:
    """Return the configuration that a request names, or else the default."""
    if id is None:
        return configurations.default_of(tx)
    found = rows.find(tx, PortalConfiguration, id, param="configuration")
    require(found.active, f"The configuration {id} is inactive.", param="configuration")
    return found


#: The feature that a flow needs, and what the error says cannot be done without it.
NEEDS = {
    "customer_update": ("customer_update", "customer cannot be updated", "customer update"),
    "payment_method_update": (
        "payment_method_update", "payment method cannot be updated", "payment method update",
    ),
    "subscription_cancel": ("subscription_cancel", "subscription cannot be canceled", "subscription cancel"),
    "subscription_pause": ("subscription_pause", "subscription cannot be paused", "subscription pause"),
    "subscription_update": ("subscription_update", "subscription cannot be updated", "subscription update"),
    "subscription_update_confirm": (
        "subscription_update", "subscription cannot be updated", "subscription update",
    ),
}  # fmt: skip
FLOWS = (
    "customer_update", "subscription_cancel", "subscription_pause", "subscription_update",
    "subscription_update_confirm",
)  # fmt: skip


def flow_of(
    tx: Tx, wanted: FlowData, configuration: PortalConfiguration, customer: Customer
) -> dict[str, Any]:
    """Return the flow that a session leads to, after checking that it is allowed and complete."""
    feature, cannot, name = NEEDS[wanted.type]
    require(
        configuration.features[feature]["enabled"],
        f"This {cannot} because the {name} feature in the portal configuration is disabled.",
        param="flow_data[type]",
    )
    given = getattr(wanted, wanted.type, None)
    if wanted.type.startswith("subscription_"):
        if given is None:
            raise missing(f"flow_data[{wanted.type}]")
        check_subscription(tx, given, customer, f"flow_data[{wanted.type}]")
    after = wanted.after_completion
    shown = after.shown() if after else {"hosted_confirmation": None, "redirect": None}
    return {
        "after_completion": {**shown, "type": after.type if after else "portal_homepage"},
        **dict.fromkeys(FLOWS),
        **({wanted.type: given.shown()} if given else {}),
        "type": wanted.type,
    }


def check_subscription(tx: Tx, given: Any, customer: Customer, at: str) -> None:
    """Check that a flow is about a subscription of this customer that has not ended."""
    found = rows.find(tx, Subscription, given.subscription, param=f"{at}[subscription]")
    require(
        found.customer == customer.id,
        f"The subscription {found.id} does not belong to the customer {customer.id}.",
        param=f"{at}[subscription]",
    )
    require(
        found.status not in lifecycle.ENDED,
        f"The subscription {found.id} is canceled.",
        param=f"{at}[subscription]",
    )
