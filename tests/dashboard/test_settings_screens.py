"""The settings on screens: each form stores and refuses what its command does, and shows no secret."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from psycopg.errors import LockNotAvailable

from billow.app import App
from billow.flows.outside import seller_changes
from billow.flows.outside.merchant import merchant_of
from billow.flows.outside.seller import profile_of, seller_of
from billow.flows.subscription_status import policies
from billow.pages.dashboard import settings_page
from billow.pages.dashboard.settings_page import SECTIONS
from tests.dashboard.conftest import Person
from tests.support.world import World

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
ACME = {
    "name": "Acme <b> AB",
    "country": "SE",
    "city": "Lund",
    "line1": "Gatan 1",
    "tax_id": "eu_vat:SE556000475501",
}


def saves(person: Person, section: str, **form: Any) -> Any:
    answer = person.sends(f"/settings/{section}", **{"act": "save", **form})
    assert answer.status_code == 303, answer.text
    return person.reads(f"/settings/{section}", saved="yes")


def test_two_who_save_settings_do_so_one_after_the_other(
    app: App, world: World, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def meanwhile(fields: Any, form: Any) -> None:
        with pytest.raises(LockNotAvailable), app.db.transaction(world.api.tenant) as tx:
            tx.run("select 1 from accounts where id = %(id)s for no key update nowait", id=tx.account)
        tried.append(form)

    monkeypatch.setattr(settings_page, "check_fresh", meanwhile)
    for section in ("company", "mails"):
        owner.sends(f"/settings/{section}", act="save")
    assert len(tried) == 2


def test_the_country_changed_in_one_mode_keeps_the_numbers_of_the_other(app: App, world: World) -> None:
    world.at("2026-01-01")
    anna = world.customer("Anna")
    anna.owes(500)
    anna.bills().does("finalize")
    with app.db.transaction(f"{world.api.account}/live") as tx:
        assert "scheme" not in (profile_of(tx).seller.get("numbers") or {})
        seller_changes.change(tx, {"country": "SE"})
        assert profile_of(tx).seller["numbers"]["scheme"] in ("account", "customer")
        assert tx.tuples("select current_setting('billow.tenant')") == [(f"{world.api.account}/live",)]


def test_the_company_is_stored_and_what_is_wrong_is_refused(app: App, world: World, owner: Person) -> None:
    said = saves(owner, "company", **ACME, time_zone="Europe/Stockholm", statement="One\r\nTwo")
    assert "It is saved" in said and "eu_vat:SE556000475501" in said
    with app.db.transaction(world.api.tenant) as tx:
        now = seller_of(tx)
        assert (now.name, now.time_zone, now.statements) == (
            "Acme <b> AB",
            "Europe/Stockholm",
            ("One", "Two"),
        )
        assert now.address is not None and (now.address.city, now.tax_ids[0][0]) == ("Lund", "eu_vat")
        assert profile_of(tx).seller.get("email") is None  # what is not changed is not stored
    wrong = owner.sends("/settings/company", **{**ACME, "tax_id": "eu_vat:12", "city": "Kiruna"})
    assert (
        wrong.status_code == 422
        and "does not look like a tax number" in wrong.text
        and "Kiruna" in wrong.text
    )
    assert owner.sends("/settings/company", time_zone="Mars/Base").status_code == 422
    assert "settings.company" in owner.reads("/audit")


def test_numbers_show_the_next_one(shop: World, owner: Person) -> None:
    said = saves(
        owner, "numbers", numbers="account", number_prefix="ACME", number_format="{prefix}-{year}-{number:05}"
    )
    assert "Next invoice ACME-20" in said and "-00001" in said and "Begins again each year" in said
    refused = owner.sends("/settings/numbers", number_format="INV")
    assert refused.status_code == 422 and "A format has" in refused.text


def test_the_logo_and_the_colours_are_previewed(owner: Person) -> None:
    hidden = owner.hidden("/settings/branding")
    path = owner.address("/settings/branding")
    given = {**hidden, "color": "#1D4FB8", "footer": "Thanks", "logo": (io.BytesIO(PNG), "logo.png")}
    assert owner.client.post(path, data=given).status_code == 303
    page = owner.opens("/settings/branding").text
    assert 'src="data:image/png;base64,' in page and 'fill="#1D4FB8"' in page and "Thanks" in page
    given = {**hidden, "color": "#1D4FB8", "logo": (io.BytesIO(b"<html>"), "logo.png")}
    assert owner.client.post(path, data=given).status_code == 422
    assert "data:image" in owner.opens("/settings/branding").text  # the old one stays
    saves(owner, "branding", no_logo="yes")
    assert "data:image" not in owner.opens("/settings/branding").text
    assert owner.sends("/settings/branding", color='red" onload="x').status_code == 422


def test_gateways_are_added_stopped_and_removed_and_their_keys_are_never_shown(owner: Person) -> None:
    assert "simulated" in owner.reads("/settings/gateways")
    key = {"name": "main", "kind": "stripe", "secret": "sk_test_concealed", "signing": "whsec_concealed"}
    said = saves(owner, "gateways", **key, currencies="eur, sek", types="card")
    assert "main" in said and "EUR, SEK; card" in said and "/gateways/" in said
    for form in (
        {**key, "secret": "sk_live_x"},
        {**key, "secret": ""},
        {**key, "currencies": "xxx"},
        {**key, "name": "A b"},
    ):
        refused = owner.sends("/settings/gateways", **form)
        assert refused.status_code == 422 and "concealed" not in refused.text, form
    assert "concealed" not in owner.opens("/settings/gateways").text + owner.opens("/audit").text
    assert owner.sends("/settings/gateways", act="stop", about="main").status_code == 303
    assert "Stopped" in owner.reads("/settings/gateways")
    assert owner.sends("/settings/gateways", act="remove", about="main").status_code == 303
    assert owner.sends("/settings/gateways", act="remove", about="main").status_code == 422


def test_retries_and_mails_are_set_by_day_and_kind(app: App, world: World, owner: Person) -> None:
    saves(owner, "retries", days_soft="2, 4,9", paydays="1, last", habits="yes", after="unpaid")
    with app.db.transaction(world.api.tenant) as tx:
        assert policies.days_after(tx, "soft") == [2, 4, 9]
        assert merchant_of(tx).retries == {
            "schedules": {"soft": {"days": [2, 4, 9]}},
            "paydays": [1, 0],
            "habits": True,
            "after": "unpaid",
        }
    for wrong in ({"days_soft": "4, 2"}, {"days_soft": ""}, {"days_soft": "x"}, {"after": "nothing"}):
        assert owner.sends("/settings/retries", **wrong).status_code == 422, wrong
    saves(owner, "mails", display_name="Acme", reminder_days="5,10", sends_receipt="yes", sends_invoice="yes")
    with app.db.transaction(world.api.tenant) as tx:
        now = merchant_of(tx)
        assert (now.display_name, now.reminder_days) == ("Acme", (5, 10))
        assert (now.mails["receipt"], now.mails["invoice"], now.mails["payment_failed"]) == (
            True,
            True,
            False,
        )


def test_tax_is_set_up_with_a_registration_that_ends(world: World, owner: Person) -> None:
    said = saves(
        owner, "tax", country="SE", city="Lund", tax_behavior="inclusive", registered="SE", scheme="standard"
    )
    assert "Automatic tax is possible" in said and "Sweden" in said and "Active" in said
    found = world.get("/v1/tax/settings")
    assert (found["status"], found["defaults"]["tax_behavior"]) == ("active", "inclusive")
    [one] = world.get("/v1/tax/registrations")["data"]
    assert owner.sends("/settings/tax", act="end", about=one["id"]).status_code == 303
    assert world.get(f"/v1/tax/registrations/{one['id']}")["expires_at"]
    refused = owner.sends("/settings/tax", country="SE", registered="SE", scheme="simplified")
    assert refused.status_code == 422
    assert owner.sends("/settings/tax", country="SE", registered="FR", since="soon").status_code == 422


def test_the_bank_account_is_checked(owner: Person) -> None:
    assert owner.sends("/settings/bank", iban="DE00").status_code == 422
    saves(owner, "bank", iban="DE02120300000000202051")
    assert "DE02120300000000202051" in owner.opens("/settings/bank").text


def test_a_form_that_was_opened_before_a_change_does_not_take_it_back(
    app: App, world: World, owner: Person, hire: Callable[..., Person]
) -> None:
    def account() -> tuple[str, str]:
        with app.db.transaction(world.api.tenant) as tx:
            found = seller_of(tx).account
            return (found.iban, found.bic or "") if found else ("", "")

    other, path = hire("admin"), "/settings/bank"
    saves(owner, "bank", iban="DE02120300000000202051")
    old = other.hidden(path)
    saves(owner, "bank", iban="SE4550000000058398257466")
    stale = {**old, "act": "save", "iban": "DE02120300000000202051", "bic": "BYLADEM1001"}
    refused = other.client.post(other.address(path), data=stale)
    assert refused.status_code == 422 and "Somebody changed this meanwhile. Look at it again." in refused.text
    assert 'value="SE4550000000058398257466"' in refused.text and "BYLADEM1001" not in refused.text
    assert account() == ("SE4550000000058398257466", "")
    for given in ({"token": old["token"]}, {**old, "shown": ""}):  # a form without a digest is none of ours
        assert other.client.post(other.address(path), data={**given, "bic": "X"}).status_code == 422
    same = {**old, "act": "save", "iban": "SE4550000000058398257466"}
    assert other.client.post(other.address(path), data=same).status_code == 303  # as one sent twice
    saves(other, "bank", bic="BYLADEM1001")
    assert account() == ("SE4550000000058398257466", "BYLADEM1001")


def test_a_form_that_was_refused_still_knows_what_it_was_shown_with(owner: Person) -> None:
    hidden, path = owner.hidden("/settings/mails"), owner.address("/settings/mails")
    refused = owner.client.post(path, data={**hidden, "display_name": "Acme", "reminder_days": "soon"})
    assert refused.status_code == 422 and f'name="shown" value="{hidden["shown"]}"' in refused.text
    saves(owner, "mails", display_name="Acme", reminder_days="5", sends_receipt="yes")
    unticked = {**hidden, "display_name": "Acme", "reminder_days": "5"}
    assert "Somebody changed" in owner.client.post(path, data=unticked).text


@pytest.mark.parametrize("role", ["auditor", "read_only"])
def test_who_only_reads_changes_nothing(hire: Callable[..., Person], role: str) -> None:
    person = hire(role)
    for name in SECTIONS:
        page = person.opens(f"/settings/{name}").text
        assert ">Save<" not in page and "An owner or an admin changes this" in page
        assert person.sends(f"/settings/{name}", act="save").status_code == 403
    assert person.opens("/settings/nothing").status_code == 404
