"""A seller with a bank account, and a merchant who imports its statements."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from billow.api import rows
from billow.app import App
from billow.core.bank import references
from billow.core.bank.matching import Rules
from billow.core.bank.seller import SellerAccount
from billow.flows.bank import import_statement as importing
from billow.resources.bank_entry import BankEntry
from billow.resources.invoice import Invoice
from tests.support.bank_statements import ACCOUNT, Booking, statement
from tests.support.world import World


class Bank:
    """The bank of a merchant: what a customer transfers comes in with the next statement."""

    def __init__(self, app: App, world: World) -> None:
        self.app, self.world = app, world

    @property
    def tenant(self) -> str:
        return str(self.world.api.tenant)

    def rules(self, **more: Any) -> None:
        self.app.db.outside = replace(self.app.db.outside, bank=Rules(**more))

    def statement(self, *bookings: Booking, **more: Any) -> importing.Imported:
        return self.file(statement(bookings, **more))

    def file(self, data: bytes) -> importing.Imported:
        return importing.import_statement(self.app.db, self.tenant, "s.xml", data)

    def entries(self, state: str | None = None) -> list[BankEntry]:
        with self.app.db.transaction(self.tenant) as tx:
            found = rows.select(tx, BankEntry, "true", "order by created, id")
        return [one for one in found if state in (None, one.state)]

    def entry(self, reference: str) -> BankEntry:
        [found] = [one for one in self.entries() if one.bank_reference == reference and not one.reversal]
        return found

    def reference(self, invoice: str) -> str:
        with self.app.db.transaction(self.tenant) as tx:
            return references.rf(rows.find(tx, Invoice, invoice).payment_number or "")

    def balances(self) -> dict[str, int]:
        """The balances of the ledger's accounts, debits positive, without those that are zero."""
        with self.app.db.transaction(self.tenant) as tx:
            found = tx.tuples(
                "select key, sum(amount)::bigint from (select split_part(debit, ':', 1) as key, amount"
                " from ledger_transfers union all select split_part(credit, ':', 1), -amount"
                " from ledger_transfers) t group by key having sum(amount) <> 0"
            )
        return dict(found)

    # ----------------------------------------------------------------------------- customers and invoices

    def customer(self, name: str = "Anna") -> str:
        clock = {"test_clock": self.world.clock} if self.world.clock else {}
        made = self.world.post("/v1/customers", name=name, email="anna@example.test", **clock)
        return str(made["id"])

    def invoice(self, customer: str, amount: int = 12500, currency: str = "eur", **more: Any) -> str:
        """An invoice that is sent and open."""
        how = {"collection_method": "send_invoice", "days_until_due": 30, **more}
        draft = self.world.post("/v1/invoices", customer=customer, currency=currency, **how)["id"]
        self.world.post(
            "/v1/invoiceitems", customer=customer, amount=amount, currency=currency, invoice=draft
        )
        self.world.post(f"/v1/invoices/{draft}/finalize")
        return str(draft)

    def paid(self, invoice: str) -> tuple[str, int, int]:
        found = self.world.get(f"/v1/invoices/{invoice}")
        return found["status"], found["amount_paid"], found["amount_remaining"]


@pytest.fixture
def bank(app: App, world: World) -> Iterator[Bank]:
    before = app.db.outside
    app.db.outside = replace(before, account=SellerAccount("Nimbus Ltd", ACCOUNT, "BYLADEM1001"))
    yield Bank(app, world)
    app.db.outside = before
