"""Does each role reach the screens that the matrix gives it, and no other, in its own account only?"""

from collections.abc import Callable

import pytest

from billow.app import App
from billow.core.roles import MATRIX, ROLES, may
from billow.pages.dashboard.visit import SCREENS
from tests.conftest import Api, new_caller
from tests.dashboard.conftest import Person

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
        assert (status != 403) == may(role, right), (path, status)
        if writing:
            status = person.sends(filled(path), token="wrong", act="none").status_code
            assert status == 403, path  # the token is wrong, whatever the role
            said = person.client.post(person.address(filled(path)), data={"token": "wrong"}).text
            assert ("Not for your role" in said) != may(role, writing), path


def test_every_right_is_some_screens(app: App) -> None:
    used = {right for pair in SCREENS.values() for right in pair if right}
    assert used | {"invoices.charge"} >= set(MATRIX), set(MATRIX) - used


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


def test_the_last_owner_stays_and_an_admin_makes_no_owner(hire: Callable[..., Person]) -> None:
    owner, admin = hire("owner"), hire("admin")
    refused = admin.sends("/people", act="invite", email="x@shop.example", role="owner")
    assert refused.status_code == 422 and "may not give" in refused.text
    mine = owner.opens("/people").text.split('name="about" value="')[1].split('"')[0]
    assert owner.sends("/people", act="change", about=mine, role="support").status_code == 303
    assert admin.opens("/people").status_code == 403  # the role counts at once
    owner_id = owner.opens("/audit").text.split("opr_")[1].split("<")[0].split()[0]
    last = owner.sends("/people", act="remove", about=f"opr_{owner_id}")
    assert last.status_code in (303, 422)
