"""Does the report on the bank say whether the books agree with the statements?"""

from datetime import UTC, datetime
from typing import Any

from billow import reports
from billow.app import App
from billow.ledger import entries, post
from tests.flows.bank.conftest import Bank
from tests.support.world import World
from tests.test_tidy import ROOT


def asked(app: App, bank: Bank) -> list[tuple[Any, ...]]:
    with app.db.snapshot(bank.tenant) as tx:
        return [tuple(row) for row in reports.run(tx, "bank", at=datetime(2099, 1, 1, tzinfo=UTC)).rows]


def test_the_books_agree_with_what_was_imported(app: App, world: World, bank: Bank) -> None:
    bank.file((ROOT / "examples/statement.xml").read_bytes())
    invoice = bank.invoice(bank.customer())
    world.post(f"/v1/invoices/{invoice}/pay", paid_out_of_band=True)
    [(currency, stated, not_ours, booked, difference, otherwise)] = asked(app, bank)
    assert currency == "eur" and booked > 0 and stated - not_ours == booked
    assert (difference, otherwise) == (0, 12500)


def test_a_difference_is_found(app: App, bank: Bank) -> None:
    bank.file((ROOT / "examples/statement.xml").read_bytes())
    entry = next(one for one in bank.entries() if one.state not in ("ignored", "outgoing"))
    with app.db.transaction(bank.tenant) as tx:
        fault = entries.bank_received("eur", 7)
        post.post(tx, [post.Posting("bank.fault", f"{entry.id}@fault", tx.now, fault)])
    assert asked(app, bank)[0][4] == -7
    with app.db.transaction(bank.tenant) as tx:
        back = entries.bank_received("eur", -7)
        post.post(tx, [post.Posting("bank.fault.undone", f"{entry.id}@fault", tx.now, back)])
