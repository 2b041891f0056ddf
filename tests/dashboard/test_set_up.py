"""The set-up of a new account: steps are ticked by what is stored, and what is missing is named."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from billow.app import App
from billow.core.errors import Undeliverable
from billow.flows.platform import set_up
from billow.providers.mail import Message
from tests.conftest import Api
from tests.dashboard.conftest import Person


class Letters:
    """A mail server that keeps what it accepts, or refuses all of it."""

    def __init__(self) -> None:
        self.kept: list[Message] = []
        self.refuses = False

    def send(self, message: Message) -> None:
        if self.refuses:
            raise Undeliverable("550 no such user")
        self.kept.append(message)


@pytest.fixture
def letters(app: App, monkeypatch: pytest.MonkeyPatch) -> Letters:
    made = Letters()
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, mailer=made))
    return made


def open_steps(app: App, api: Api) -> list[str]:
    with app.db.snapshot(api.tenant) as tx:
        return [one.key for one in set_up.undone(set_up.steps(tx))]


def lacks(app: App, api: Api) -> tuple[list[str], list[str]]:
    with app.db.snapshot(api.tenant) as tx:
        return set_up.lacking(tx), set_up.uncollectible(tx)


def test_a_new_account_is_set_up_step_by_step(app: App, api: Api, owner: Person, letters: Letters) -> None:
    assert open_steps(app, api) == ["company", "tax", "numbers", "bank", "gateways", "mails"]
    assert "Set up billow" in owner.reads("") and "Say who sells To do" in owner.reads("/setup")
    assert owner.sends("/setup", act="leave_out", about="company").status_code == 422
    owner.sends("/settings/company", name="Acme AB", country="SE", line1="Gatan 1", city="Lund")
    assert lacks(app, api) == (["tax_id"], ["way", "mail"])
    owner.sends("/settings/company", tax_id="eu_vat:SE556000475501")
    office = {"country": "SE", "tax_behavior": "exclusive"}
    owner.sends("/settings/tax", **office)
    assert lacks(app, api) == (["registration:SE556000475501"], ["way", "mail"])
    unregistered = "No tax registration is in force beside the VAT number SE556000475501"
    assert "tax" in open_steps(app, api) and unregistered in owner.reads("")
    assert "Automatic tax bills nothing" in owner.reads("/settings/tax")
    owner.sends("/settings/tax", **office, registered="SE", scheme="standard")
    assert unregistered not in owner.reads("")
    owner.sends("/settings/numbers", number_prefix="ACME")
    owner.sends("/settings/bank", iban="DE02120300000000202051")
    assert open_steps(app, api) == ["gateways", "mails"]
    assert owner.sends("/setup", act="leave_out", about="gateways").status_code == 303
    assert "Left out" in owner.reads("/setup")
    assert owner.sends("/setup", act="mail").status_code == 303
    assert [one.to for one in letters.kept] == [owner.email]
    assert open_steps(app, api) == [] and lacks(app, api) == ([], [])
    assert "Set up billow" not in owner.reads("")
    assert "Nothing is missing" in owner.reads("/setup")
    owner.sends("/setup", act="take_up", about="gateways")
    assert open_steps(app, api) == ["gateways"]
    assert owner.sends("/setup", act="dismiss").status_code == 303
    assert "Set up billow" not in owner.reads("")
    assert "setup.mail" in owner.reads("/audit")


def test_a_mail_that_was_not_accepted_is_no_tick(app: App, api: Api, owner: Person, letters: Letters) -> None:
    letters.refuses = True
    refused = owner.sends("/setup", act="mail")
    assert refused.status_code == 422 and "550 no such user" in refused.text
    assert "mails" in open_steps(app, api)


def test_a_gateway_without_the_secret_of_its_notices_is_named(app: App, api: Api, owner: Person) -> None:
    owner.sends("/settings/gateways", act="save", name="main", kind="stripe", secret="sk_test_x")  # noqa: S106
    assert "notices:main" in lacks(app, api)[1] and "way" not in lacks(app, api)[1]
    assert "of the gateway main" in owner.reads("/setup")


def test_the_key_is_made_on_its_own_screen_with_the_password(app: App, api: Api, owner: Person) -> None:
    assert "/keys/new" in owner.opens("/setup").text
    before = len(api.get("/v1/api_keys")["data"])
    assert owner.sends("/setup", act="key").status_code == 422
    assert len(api.get("/v1/api_keys")["data"]) == before


@pytest.mark.parametrize("role", ["finance", "auditor"])
def test_who_changes_no_settings_sees_no_list_at_home(hire: Callable[..., Any], role: str) -> None:
    person = hire(role)
    assert "Set up billow" not in person.reads("")
    assert person.sends("/setup", act="dismiss").status_code == 403


def test_home_says_what_the_papers_of_a_registered_seller_lack(app: App, api: Api, owner: Person) -> None:
    office = {"country": "SE", "tax_behavior": "exclusive"}
    owner.sends("/settings/tax", **office, registered="SE", scheme="standard")
    missing = "A tax registration in SE is in force, but the seller has no VAT number there"
    assert missing in owner.reads("")
    owner.sends("/settings/company", name="Acme AB", country="SE", line1="Gatan 1", city="Lund")
    owner.sends("/settings/company", tax_id="eu_vat:SE556000475501")
    assert missing not in owner.reads("") and "has no address" not in owner.reads("")
