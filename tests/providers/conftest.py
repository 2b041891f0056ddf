"""Provide the invoice that all document renderers are tested with, and a server of Stripe's API."""

from collections.abc import Iterator
from datetime import date

import pytest

from billow.providers.documents import DocumentLine, InvoiceDocument, Party
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
