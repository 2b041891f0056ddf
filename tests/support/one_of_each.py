"""Create one of each noun, any number of times, with what it needs before it."""

import itertools
import re
from io import BytesIO
from typing import Any

from tests.api.test_tenancy_routes import RECIPES
from tests.conftest import Api, Reply
from tests.support import credited, disputed

Sent = dict[str, Any]
PAYING = {"payment_method": "pm_card_visa", "invoice_settings[default_payment_method]": "pm_card_visa"}
#: Recipes that create another object each time, where those of the isolation tests create the same.
REPEATABLE: dict[str, tuple[str, Sent]] = {
    "billing.meter": (
        "/v1/billing/meters",
        {"display_name": "V", "event_name": "v{n}", "default_aggregation[formula]": "sum"},
    ),
    "charge": ("/v1/charges", {"customer": "{customer}", "amount": "300", "currency": "usd"}),
    "customer": ("/v1/customers", {"name": "Ann {n}", **PAYING}),
    "entitlements.feature": ("/v1/entitlements/features", {"name": "F", "lookup_key": "f{n}"}),
    "product": ("/v1/products", {"name": "Product {n}"}),
    "refund": ("/v1/refunds", {"charge": "{new charge}", "amount": "100"}),
    "subscription_item": (
        "/v1/subscription_items",
        {"subscription": "{subscription}", "price": "{new price}"},
    ),
    "tax_id": ("/v1/tax_ids", {"type": "eu_vat", "value": "DE136695976"}),
    "webhook_endpoint": ("/v1/webhook_endpoints", {"url": "https://a.example/{n}", "enabled_events[]": "*"}),
}
ALL_RECIPES = {**RECIPES, **REPEATABLE}
PLACEHOLDER = re.compile(r"\{(new )?([a-z0-9_.]+)\}")
"""`{product}` is an existing one, `{new charge}` another each time, `{n}` a number."""


def form(value: Any, at: str) -> Sent:
    """Flatten a nested value into form fields: `{"a": [1]}` at `b` is `b[a][0]=1`."""
    if isinstance(value, dict):
        return {
            key: leaf for name, item in value.items() for key, leaf in form(item, f"{at}[{name}]").items()
        }
    if isinstance(value, list):
        return {k: leaf for n, item in enumerate(value) for k, leaf in form(item, f"{at}[{n}]").items()}
    return {at: (BytesIO(value), "a.pdf") if isinstance(value, bytes) else value}


def without(sent: Sent, *names: str) -> Sent:
    """Leave out the params of these names, with all that is within them."""
    return {name: value for name, value in sent.items() if name.split("[")[0] not in names}


def with_more(sent: Sent, more: Sent) -> Sent:
    """Add or replace params; None takes one away."""
    given = {name: value for name, value in more.items() if value is not None}
    added = {key: leaf for name, value in given.items() for key, leaf in form(value, name).items()}
    return {**without(sent, *more), **added}


class Maker:
    """A caller that creates objects."""

    def __init__(self, api: Api) -> None:
        self.api, self._count = api, itertools.count(1)
        self._existing: dict[str, str] = {}

    def number(self) -> int:
        return next(self._count)

    def existing(self, noun: str) -> str:
        """Return the id of an object of this noun; create it the first time."""
        if noun not in self._existing:
            self._existing[noun] = str(self.make(noun)["id"])
        return self._existing[noun]

    def fill(self, text: Any) -> Any:
        """Replace the placeholders of a recipe; make a file of bytes."""
        if isinstance(text, bytes):
            return BytesIO(text), "a.pdf"

        def replacement(hole: re.Match[str]) -> str:
            if hole[2] == "n":
                return str(self.number())
            if hole[2] == "open_invoice":
                return credited.open_invoice(self.api)
            return str(self.make(hole[2])["id"]) if hole[1] else self.existing(hole[2])

        return PLACEHOLDER.sub(replacement, str(text))

    def recipe(self, noun: str) -> tuple[str, Sent]:
        """Return the path and the params that create an object of this noun."""
        path, sent = ALL_RECIPES[noun]
        return self.fill(path), {name: self.fill(value) for name, value in sent.items()}

    def make(self, noun: str, **more: Any) -> Reply:
        """Create an object; `more` replaces params of the recipe, None takes one away."""
        if noun in disputed.CARDS:
            return disputed.made(self.api, noun)
        path, sent = self.recipe(noun)
        return self.request(path, with_more(sent, more))

    def request(self, path: str, sent: Sent, method: str = "POST") -> Reply:
        """Send a request that must succeed."""
        answer = self.send(path, sent, method)
        assert answer.status == 200, (path, sent, answer)
        return answer

    def send(self, path: str, sent: Sent, method: str = "POST") -> Reply:
        if method == "DELETE":
            return self.api.delete(path, sent)
        if not path.startswith("/v2/"):
            return self.api.post(path, sent)
        from billow.api.params import nested

        return self.api.ask("POST", path, json=nested([(k, v) for k, v in sent.items()]))
