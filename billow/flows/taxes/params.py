"""Check `automatic_tax` of a request, and say what is kept of it."""

from collections.abc import Iterable
from typing import Any

from billow.api import fields as f
from billow.api.params import Params
from billow.core.errors import Refused, require
from billow.flows.outside.places import place_of
from billow.flows.taxes.settings import settings_of
from billow.flows.taxes.sources import address_of
from billow.resources.customer import Customer
from billow.resources.subscription import Issuer
from billow.store.tx import Tx

NO_LOCATION = (
    "The customer's location isn't recognized. Set a valid customer address in order to automatically"
    " calculate tax."
)


class AutomaticTax(Params):
    enabled: bool = f.boolean(required=True)
    liability: Issuer | None = f.nested(shape=Issuer)


def check_automatic_tax(tx: Tx, wanted: AutomaticTax | None) -> None:
    """Refuse automatic tax without a head office (§12.1), and a liable account other than our own."""
    require(
        wanted is None or not wanted.enabled or settings_of(tx).active,
        "You must have a valid head office address to enable automatic tax calculation.",
        param="automatic_tax[enabled]",
    )
    liability = wanted.liability if wanted else None
    require(
        liability is None or (liability.type == "self" and liability.account is None),
        "There are no connected accounts: `automatic_tax[liability][type]` must be `self`.",
        param="automatic_tax[liability]",
    )


def check_alone(enabled: bool, rates: Any, param: str = "default_tax_rates") -> None:
    """Refuse tax rates beside automatic tax: one of them decides (§12.1)."""
    require(not (enabled and rates), f"You cannot use `{param}` when automatic tax is enabled.", param=param)


def check_lines_alone(enabled: bool, lines: Iterable[Any] | None, param: str) -> None:
    """Refuse tax rates of lines beside automatic tax, which would not follow them."""
    for place, line in enumerate(lines or ()):
        check_alone(enabled, getattr(line, "tax_rates", None), f"{param}[{place}][tax_rates]")


def check_stored(enabled: bool, stored: Iterable[Any], what: str) -> None:
    """Refuse automatic tax of what has tax rates of its own since before: they are removed first."""
    named = [one for one in stored if enabled and one.tax_rates]
    require(
        not named,
        f"You cannot enable automatic tax while {what} has tax rates: remove its `tax_rates` first.",
        param="automatic_tax[enabled]",
    )


def check_location(tx: Tx, enabled: bool, customer: Customer) -> None:
    """Refuse automatic tax of a customer of whom neither an address nor an IP address says enough."""
    if not enabled:
        return
    places = (customer.address, (customer.shipping or {}).get("address"), place_of(tx, customer.tax))
    if not any(address_of(place) for place in places):
        raise no_location()


def no_location(param: str = "automatic_tax") -> Refused:
    return Refused(NO_LOCATION, code="customer_tax_location_invalid", param=param)


def enabled(wanted: AutomaticTax | None) -> bool:
    return bool(wanted and wanted.enabled)


def kept(before: dict[str, Any], wanted: AutomaticTax) -> dict[str, Any]:
    """Return the `automatic_tax` of an object after a request; a status is for the calculation to say."""
    liability = {"account": None, "type": "self"} if wanted.enabled else None
    cleared = {"status": None} if "status" in before else {}
    provider = {"provider": "stripe" if wanted.enabled else None} if "provider" in before else {}
    return {**before, "enabled": wanted.enabled, "liability": liability, **cleared, **provider}
