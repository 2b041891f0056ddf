"""Provide the invoice that all document renderers are tested with, and a server of Stripe's API."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from billow.app import App
from billow.flows.outside import gateways
from billow.flows.outside.gateways import Configured
from billow.providers.documents import DocumentLine, InvoiceDocument, Party
from billow.providers.gateways.stripe import Stripe
from tests.conftest import Api
from tests.flows.conftest import do_what_is_due
from tests.support import invariants
from tests.support.other_server import Other
from tests.support.stripe_server import Account, stripe_account


@pytest.fixture(scope="session")
def stripe(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account at billow in processes of its own, which the gateway `stripe` charges through."""
    with stripe_account(server_url, tmp_path_factory.mktemp("stripe")) as account:
        yield account


@pytest.fixture
def paper() -> InvoiceDocument:
    return InvoiceDocument(
        kind="invoice",
        number="NIMB-0042",
        status="open",
        currency="usd",
        issued_on=date(2025, 2, 1),
        due_on=date(2025, 3, 3),
        seller=Party(
            "Nimbus Cloud Ltd", "billing@nimbus.test", ("12 Harbour Street", "Dublin"), ("EU VAT IE6388047V",)
        ),
        buyer=Party("Anna Müller", "anna@example.test", ("Lange Straße 1", "10115 Berlin")),
        lines=(
            DocumentLine("3 seat × Team (at $18.00 / month)", "3", "$18.00", "$54.00", "Jan 1 – Feb 1, 2025"),
            DocumentLine("Unused time on Pro after 16 Jan 2025", "", "", "-$10.32"),
        ),
        totals=(("Subtotal", "$43.68"), ("VAT 23%", "$10.05"), ("Amount due", "$53.73")),
        notes=("Thank you.",),
        footer="Registered in Ireland, no. 123456.",
    )


@pytest.fixture
def other_server(
    app: App, api: Api, stripe: Account, http_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Other]:
    """The other server, which sends its notices to us, and through which our account charges cards."""
    other = Other(stripe)
    endpoint = other.post(
        "/v1/webhook_endpoints",
        **{"url": f"{http_url}/gateways/{api.tenant}/stripe", "enabled_events[]": "*"},
    )
    known = Configured({"stripe": Stripe})
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, configured=known))
    with app.db.transaction(api.tenant) as tx:
        gateways.write(tx, stripe.route(endpoint["secret"]))
    yield other
    other.ask("delete", f"/v1/webhook_endpoints/{endpoint['id']}")
    do_what_is_due(app)
    invariants.check_all(app.db, api.tenant, None)
