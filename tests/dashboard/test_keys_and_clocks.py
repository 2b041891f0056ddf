"""API keys and test clocks are made and used on screens; a secret is shown once."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from billow.app import App
from billow.pages.dashboard import test_clocks_page as clocks_page
from tests.dashboard.conftest import PASSWORD, Person
from tests.support.world import World


def secret_in(answer: Any) -> str:
    [found] = re.findall(r"<code>((?:sk|rk|pk)_test_\w+)</code>", answer.text)
    return str(found)


def test_a_key_is_made_with_the_password_and_shown_once(world: World, owner: Person) -> None:
    for wrong in ("", "not the password"):
        refused = owner.sends("/keys/new", name="Shop", kind="secret", password=wrong)
        assert refused.status_code == 422 and "The password is wrong" in refused.text
    hidden = owner.hidden("/keys/new")
    form = {**hidden, "name": "Shop", "kind": "restricted", "password": PASSWORD, "right-customers": "read"}
    secret = secret_in(owner.sends("/keys/new", **form))
    assert owner.sends("/keys/new", **form).status_code == 303  # it is not made twice
    listed = owner.opens("/keys").text
    assert "customers: read" in listed and secret not in listed and secret[-4:] in listed
    key = world.get("/v1/api_keys", kind="restricted")["data"][0]
    assert (key["name"], key["permissions"]) == ("Shop", {"customers": "read"})
    assert "keys.create" in owner.reads("/audit") and secret not in owner.opens("/audit").text
    empty = owner.sends("/keys/new", kind="restricted", password=PASSWORD)
    assert empty.status_code == 422 and "at least one permission" in empty.text


def test_a_key_is_rolled_and_revoked(world: World, owner: Person) -> None:
    made = world.post("/v1/api_keys", name="Old")
    path = f"/keys/{made['id']}"
    assert made["secret"] not in owner.opens(path).text
    assert owner.sends(path, act="roll", password="wrong one").status_code == 422  # noqa: S106
    assert owner.sends(path, act="roll", overlap="5", password=PASSWORD).status_code == 422
    rolled = secret_in(owner.sends(path, act="roll", overlap="3600", password=PASSWORD))
    assert rolled != made["secret"] and "Ends" in owner.reads(path)
    assert owner.sends(path, act="revoke", password=PASSWORD).status_code == 303
    assert owner.opens(path).status_code == 404


def test_wrong_passwords_make_wait_here_too(app: App, owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    now = app.db.wall()
    monkeypatch.setattr(app.db, "wall", lambda: now)  # each password takes a while to check
    for _ in range(6):
        last = owner.sends("/keys/new", kind="secret", password="wrong one")  # noqa: S106
    right = owner.sends("/keys/new", kind="secret", password=PASSWORD)
    assert "Wait" in last.text and "Wait" in right.text and right.status_code == 422


def test_a_developer_makes_keys_in_test_mode_only(hire: Callable[..., Person]) -> None:
    developer = hire("developer")
    assert developer.opens("/keys/new").status_code == 200
    developer.mode = "live"
    assert developer.opens("/keys").status_code == 200
    assert developer.opens("/keys/new").status_code == 403
    gone = developer.opens("/test-clocks")
    assert gone.status_code == 403 and "Nobody has this in live mode" in gone.text


def test_a_clock_is_made_and_advanced(world: World, owner: Person) -> None:
    assert owner.sends("/test-clocks/new", name="January", at="soon").status_code == 422
    assert owner.sends("/test-clocks/new", name="January", at="2026-01-01 12:00").status_code == 303
    [clock] = world.get("/v1/test_helpers/test_clocks")["data"]
    path = f"/test-clocks/{clock['id']}"
    world.clock = clock["id"]
    plan = world.plan("Pro", usd=20)
    anna = world.customer("anna")
    subscription = anna.subscribes_to(plan)
    said = owner.reads(path)
    assert "anna" in said and "Pro" in said and "1 Jan 2026, 12:00 UTC" in said
    assert "1 Feb 2026, 12:00 UTC" in said.partition("What happens next")[2]
    assert owner.sends(path, act="advance", to="2026-01-31").status_code == 303
    assert "It is advancing to 31 Jan 2026" in owner.reads(path)
    world.work()
    assert "31 Jan 2026, 00:00 UTC" in owner.reads(path)
    for screen in (f"/customers/{anna.id}", f"/subscriptions/{subscription.id}"):
        assert "Test clock January : 31 Jan 2026, 00:00 UTC" in owner.reads(screen)
    assert owner.sends(path, act="week").status_code == 303
    world.work()
    assert len(world.get("/v1/invoices")["data"]) == 2
    assert owner.sends(path, act="next").status_code == 303
    world.work()
    back = owner.sends(path, act="advance", to="2026-01-01")
    assert back.status_code == 422 and "must be later" in back.text
    assert owner.sends(path, act="rewind").status_code == 422
    audit = owner.reads("/audit")
    assert "clocks.create" in audit and "clocks.advance" in audit
    assert owner.sends(path, act="delete").status_code == 422
    assert owner.sends(path, act="delete", sure="1").status_code == 303
    assert world.get("/v1/test_helpers/test_clocks")["data"] == []
    assert set(clocks_page.STEPS) == {"day", "week", "month"}
