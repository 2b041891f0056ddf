"""Does each role reach the screens that the matrix gives it, and no other, in its own account only?"""

from collections.abc import Callable
from pathlib import Path

import pytest

from billow.app import App
from billow.core.roles import MATRIX, ROLES, may
from billow.flows.operators import people
from billow.pages.dashboard.visit import SCREENS
from tests.conftest import Api, new_caller
from tests.dashboard.conftest import Person

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "dashboard.md"
IDS = {"<id>": "none_such", "<name>": "revenue"}


def filled(path: str) -> str:
    for name, value in IDS.items():
        path = path.replace(name, value)
    return path


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_and_sends_what_the_matrix_says(hire: Callable[..., Person], role: str) -> None:
    person = hire(role)
    for path, (right, writing) in SCREENS.items():
        status = person.opens(filled(path)).status_code
        assert (status != 403) == all(may(role, one) for one in right.split()), (path, status)
        if writing:
            status = person.sends(filled(path), token="wrong", act="none").status_code
            assert status == 403, path  # the token is wrong, whatever the role
            said = person.client.post(person.address(filled(path)), data={"token": "wrong"}).text
            assert ("Not for your role" in said) != may(role, writing), path


def test_every_right_is_some_screens(app: App) -> None:
    used = {right for pair in SCREENS.values() for rights in pair for right in rights.split()}
    assert used | {"invoices.charge"} >= set(MATRIX), set(MATRIX) - used


def test_the_ledger_is_no_report_for_those_who_may_not_read_it(hire: Callable[..., Person]) -> None:
    reader = hire("read_only")
    for name in ("journal", "trial_balance"):
        assert reader.opens(f"/reports/{name}").status_code == 403
        assert f"/reports/{name}" not in reader.opens("/reports").text
    assert "MRR" not in hire("support").reads("")


def test_another_accounts_screens_are_not_there(app: App, hire: Callable[..., Person]) -> None:
    """Every screen, so that a new one cannot be forgotten."""
    person, other = hire("owner"), new_caller(app)
    for path in SCREENS:
        for mode in ("test", "live"):
            answer = person.opens(f"/dashboard/{other.account}/{mode}{filled(path)}")
            assert answer.status_code == 404, path


def test_objects_of_another_account_are_not_shown(app: App, api: Api, hire: Callable[..., Person]) -> None:
    person, other = hire("owner"), new_caller(app)
    customer = other.post("/v1/customers", {"name": "Theirs"})["id"]
    assert person.opens(f"/customers/{customer}").status_code == 404
    assert "Theirs" not in person.reads("/customers")
    assert "Nothing was found" in person.reads("/search", q="Theirs")


def id_of(app: App, person: Person) -> str:
    with app.db.connection() as conn:
        known = people.by_email(conn, person.email)
    assert known is not None
    return known.id


def test_the_last_owner_stays_and_an_admin_makes_no_owner(app: App, hire: Callable[..., Person]) -> None:
    owner, second, admin = hire("owner"), hire("owner"), hire("admin")
    refused = admin.sends("/people", act="invite", email="x@shop.example", role="owner")
    assert refused.status_code == 422 and "may not give" in refused.text
    above = admin.sends("/people", act="change", about=id_of(app, owner), role="support")
    assert above.status_code == 422 and "may not give" in above.text
    assert owner.sends("/people", act="change", about=id_of(app, second), role="support").status_code == 303
    assert second.opens("/people").status_code == 403  # the role counts at once
    for act in ("change", "remove"):
        last = owner.sends("/people", act=act, about=id_of(app, owner), role="support")
        assert last.status_code == 422 and "last owner" in last.text, act
    assert owner.sends("/people", act="remove", about=id_of(app, second)).status_code == 303
    assert second.opens("/invoices").status_code == 303  # signed out


ROWS = {
    "see customers, subscriptions, invoices, payments, products": "customers.read",
    "create and change customers and their tax numbers": "customers.write",
    "export lists": "exports.read",
    "see reports": "reports.read",
    "see events and the request log": "events.read",
    "send an event again": "events.send",
    "start, change, pause and end subscriptions": "subscriptions.write",
    "create and change products, prices, meters and coupons": "catalog.write",
    "write an invoice by hand, delete a draft": "invoices.write",
    "mail an invoice": "invoices.send",
    "finalize and charge an invoice": "invoices.charge",
    "refund, credit, void and write off; agree to it": "credits.write",
    "see API keys": "keys.read",
    "create, roll and revoke API keys": "keys.write",
    "see test clocks, which there are in test mode only": "clocks.read",
    "create and advance test clocks": "clocks.write",
    "see approvals": "approvals.read",
    "see the ledger": "ledger.read",
    "close accounting periods, open them again": "periods.write",
    "see bank statements and their queue": "bank.read",
    "import bank statements, apply payments, take them back": "bank.write",
    "run jobs again that were given up": "runs.write",
    "see settings": "settings.read",
    "change settings": "settings.write",
    "see people": "operators.read",
    "invite people, change roles": "operators.write",
    "see the audit log": "audit.read",
}
"""What the guide says of each right, in its words."""


def test_the_guide_says_what_the_matrix_says() -> None:
    told = {}
    for line in GUIDE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] in ROWS:
            told[ROWS[cells[0]]] = [bool(cell) for cell in cells[1:]]
    assert told == {right: [may(role, right) for role in ROLES] for right in MATRIX}
