"""Create and update configurations of the billing portal."""

from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.params import Params, merged, missing
from billow.core.errors import require
from billow.flows.outside.outside import outside_of
from billow.resources import feedback_option, payment_method_configuration
from billow.resources.portal_configuration import (
    BLANK_PROFILE,
    NO_FEATURES,
    UPDATES,
    BusinessProfile,
    Features,
    PortalConfiguration,
)
from billow.store.ids import new_id
from billow.store.tx import Tx

EVERYTHING: dict[str, Any] = {
    "customer_update": {"allowed_updates": [*UPDATES], "enabled": True},
    "invoice_history": {"enabled": True},
    "payment_method_update": {"enabled": True, "payment_method_configuration": None},
    "subscription_cancel": {**NO_FEATURES["subscription_cancel"], "enabled": True},
}
"""The features of the configuration that is made where a session is wanted before there is any."""


class LoginPage(Params):
    enabled: bool = f.boolean(required=True)


class Create(Params):
    business_profile: BusinessProfile | None = f.nested(shape=BusinessProfile)
    default_return_url: str | None = f.url(unset=True)
    features: Features | None = f.nested(shape=Features, required=True)
    login_page: LoginPage | None = f.nested(shape=LoginPage)
    metadata: dict[str, str] = f.metadata()
    name: str | None = f.text(unset=True)


class Update(Params):
    active: bool | None = f.boolean()
    business_profile: BusinessProfile | None = f.nested(shape=BusinessProfile)
    default_return_url: str | None = f.url(unset=True)
    features: Features | None = f.nested(shape=Features)
    login_page: LoginPage | None = f.nested(shape=LoginPage)
    metadata: dict[str, str] = f.metadata()
    name: str | None = f.text(unset=True)


@PortalConfiguration.create(Create)
def create(tx: Tx, wanted: Create) -> PortalConfiguration:
    """Create a configuration of the billing portal; the first one becomes the default."""
    check(tx, wanted.features)
    found = rows.select(tx, PortalConfiguration, "is_default")
    id = new_id(PortalConfiguration.prefix)
    return rows.insert(
        tx,
        PortalConfiguration(
            id=id,
            business_profile={**BLANK_PROFILE, **(sent_values(wanted.business_profile))},
            default_return_url=wanted.default_return_url,
            features=merged_features(NO_FEATURES, wanted.features),
            is_default=not found,
            login_page=login_page(tx, id, wanted.login_page),
            metadata=merged({}, wanted.metadata),
            name=wanted.name,
            updated=tx.now,
        ),
    )


def default_of(tx: Tx) -> PortalConfiguration:
    """Return the account's default configuration, which is created with the usual features where none is."""
    found = rows.select(tx, PortalConfiguration, "is_default")
    if found:
        return found[0]
    tx.run("select pg_advisory_xact_lock(hashtext('portal'), hashtext(%(tenant)s))", tenant=tx.tenant)
    found = rows.select(tx, PortalConfiguration, "is_default")
    if found:
        return found[0]
    features = {**NO_FEATURES, **EVERYTHING}
    made = PortalConfiguration(features=features, is_default=True, updated=tx.now)
    return rows.insert(tx, made)


@PortalConfiguration.update(Update)
def update(tx: Tx, configuration: PortalConfiguration, wanted: Update) -> PortalConfiguration:
    """Update a configuration of the billing portal. The default cannot be deactivated."""
    check(tx, wanted.features)
    require(
        wanted.active is not False or not configuration.is_default,
        "The default configuration cannot be deactivated.",
        param="active",
    )
    sent = wanted.sent()
    changes: dict[str, Any] = {
        name: sent[name] for name in ("active", "default_return_url", "name") if name in sent
    }
    if wanted.business_profile:
        changes["business_profile"] = {
            **configuration.business_profile,
            **sent_values(wanted.business_profile),
        }
    if wanted.features:
        changes["features"] = merged_features(configuration.features, wanted.features)
    if wanted.login_page:
        changes["login_page"] = login_page(tx, configuration.id, wanted.login_page)
    if "metadata" in sent:
        changes["metadata"] = merged(configuration.metadata, wanted.metadata)
    if all(getattr(configuration, name) == value for name, value in changes.items()):
        return configuration
    return rows.update(tx, configuration, updated=tx.now, **changes)


def sent_values(wanted: Params | None) -> dict[str, Any]:
    return rows.plain_value(wanted.sent()) if wanted else {}


def merged_features(before: dict[str, Any], wanted: Features | None) -> dict[str, Any]:
    """Return features after a request: within each, only what was sent changes."""
    after = dict(before)
    for name, feature in (wanted.sent() if wanted else {}).items():
        if feature is not None:
            after[name] = {**before[name], **inner(before[name], feature)}
    return after


def inner(before: dict[str, Any], wanted: Params) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in wanted.sent().items():
        nested = isinstance(value, Params) and isinstance(before.get(name), dict)
        found[name] = {**before[name], **inner(before[name], value)} if nested else rows.plain_value(value)
    return found


def login_page(tx: Tx, id: str, wanted: LoginPage | None) -> dict[str, Any]:
    """Return the page of a configuration on which customers ask for a link to the portal by mail."""
    enabled = bool(wanted and wanted.enabled)
    url = f"{outside_of(tx).base_url}/login/{tx.tenant}/{id}" if enabled else None
    return {"enabled": enabled, "url": url}


def check(tx: Tx, features: Features | None) -> None:
    """Check that each feature has what it needs when it is enabled, and that what it names is there."""
    if features is None:
        return
    why = features.subscription_cancel.cancellation_reason if features.subscription_cancel else None
    if why and why.feedback_options:
        at = "features[subscription_cancel][cancellation_reason][feedback_options]"
        feedback_option.check(tx, why.feedback_options, at)
    method = features.payment_method_update
    if method and method.payment_method_configuration:
        at = "features[payment_method_update][payment_method_configuration]"
        payment_method_configuration.find(tx, method.payment_method_configuration, at)
    update = features.customer_update
    if update and update.enabled and update.given("enabled") and not update.given("allowed_updates"):
        raise missing("features[customer_update][allowed_updates]")
    change = features.subscription_update
    if change and change.enabled:
        at = "features[subscription_update]"
        for name in ("default_allowed_updates", "products"):
            if not change.given(name):
                raise missing(f"{at}[{name}]")
