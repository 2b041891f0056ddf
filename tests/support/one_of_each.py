"""One of each noun, as often as it is wanted; what it needs is made before it."""

import itertools
import re
from io import BytesIO
from typing import Any

from tests.api.test_tenancy_routes import RECIPES
from tests.conftest import Api, Reply

Sent = dict[str, Any]
PAYING = {"payment_method": "pm_card_visa", "invoice_settings[default_payment_method]": "pm_card_visa"}
#: Where the recipes of the isolation tests make one, these make another each time.
AGAIN: dict[str, tuple[str, Sent]] = {
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
BASES = {**RECIPES, **AGAIN}
IDS = re.compile(r"\{(new )?([a-z0-9_.]+)\}")
"""{product} is one that there is, {new charge} another each time, {n} a number."""


def form(value: Any, at: str) -> Sent:
    """A nested value as a form has it: `{"a": [1]}` at `b` is `b[a][0]=1`."""
    if isinstance(value, dict):
        return {
            key: leaf for name, item in value.items() for key, leaf in form(item, f"{at}[{name}]").items()
        }
    if isinstance(value, list):
        return {k: leaf for n, item in enumerate(value) for k, leaf in form(item, f"{at}[{n}]").items()}
    return {at: (BytesIO(value), "a.pdf") if isinstance(value, bytes) else value}


def without(sent: Sent, *names: str) -> Sent:
    return {name: value for name, value in sent.items() if name.split("[")[0] not in names}


def with_more(sent: Sent, more: Sent) -> Sent:
    given = {name: value for name, value in more.items() if value is not None}
    added = {key: leaf for name, value in given.items() for key, leaf in form(value, name).items()}
    return {**without(sent, *more), **added}


class Maker:
    """A caller who makes things."""

    def __init__(self, api: Api) -> None:
        self.api, self._count = api, itertools.count(1)
        self._known: dict[str, str] = {}

    def number(self) -> int:
        return next(self._count)

    def known(self, noun: str) -> str:
        """The id of one that there is, made when it is wanted first."""
        if noun not in self._known:
            self._known[noun] = str(self.make(noun)["id"])
        return self._known[noun]

    def filled(self, text: Any) -> Any:
        if isinstance(text, bytes):
            return BytesIO(text), "a.pdf"

        def found(hole: re.Match[str]) -> str:
            if hole[2] == "n":
                return str(self.number())
            return str(self.make(hole[2])["id"]) if hole[1] else self.known(hole[2])

        return IDS.sub(found, str(text))

    def base(self, noun: str) -> tuple[str, Sent]:
        path, sent = BASES[noun]
        return self.filled(path), {name: self.filled(value) for name, value in sent.items()}

    def make(self, noun: str, **more: Any) -> Reply:
        """A new one; `more` replaces what the recipe sends under these names, None takes it away."""
        path, sent = self.base(noun)
        return self.done(path, with_more(sent, more))

    def done(self, path: str, sent: Sent, method: str = "POST") -> Reply:
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
