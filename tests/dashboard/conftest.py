"""Somebody in front of the dashboard: signed in as a role, in an account of the test's own."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from billow.app import App
from billow.flows.operators import invitations, passwords
from tests.conftest import Api
from tests.flows.conftest import do_what_is_due
from tests.support.world import World

PASSWORD = "correct horse battery"  # noqa: S105  (of people of the tests)


@dataclass
class Person:
    """A browser without scripts: `person.opens("/invoices")`, `person.sends("/people", act="invite")`."""

    client: Any
    account: str
    email: str
    mode: str = "test"

    def address(self, path: str) -> str:
        return path if path.startswith("/dashboard") else f"/dashboard/{self.account}/{self.mode}{path}"

    def opens(self, path: str, **query: str) -> Any:
        return self.client.get(self.address(path), query_string=query or None)

    def reads(self, path: str, **query: str) -> str:
        """Open a screen, and return its text without markup, on one line."""
        answer = self.opens(path, **query)
        assert answer.status_code == 200, (answer.status_code, answer.text[:2000])
        return text_of(answer.text)

    def sends(self, path: str, token: str | None = None, **form: str) -> Any:
        """Send a form of a screen, with what is hidden in it: the token, and the number or digest."""
        hidden = {"token": token} if token is not None else self.hidden(path)
        return self.client.post(self.address(path), data={**hidden, **form})

    def hidden(self, path: str) -> dict[str, str]:
        return dict(re.findall(r'name="(token|form|shown)" value="(\w+)"', self.opens(path).text))


def text_of(html: str) -> str:
    body = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def hired(app: App, account: str, role: str, email: str) -> Person:
    """Somebody who took an invitation; nobody waits for a password to be hashed twice."""
    now = app.db.wall()
    with app.db.connection() as conn, conn.transaction():
        token = invitations.invite(conn, account, role, email, now, timedelta(hours=1))
        found = invitations.find(conn, token, now)
        assert found is not None
        invitations.accept(conn, found, email, f"The {role}", hashed(), "127.0.0.1", now)
    return Person(app.wsgi.test_client(), account, email)


_KEPT: list[str] = []


def hashed() -> str:
    if not _KEPT:
        _KEPT.append(passwords.hashed(PASSWORD))
    return _KEPT[0]


def signed_in(person: Person) -> Person:
    answer = person.sends("/dashboard/sign-in", email=person.email, password=PASSWORD)
    assert answer.status_code == 303, answer.text
    return person


@pytest.fixture
def hire(app: App, api: Api) -> Callable[..., Person]:
    """Hire somebody for a role, and sign them in."""
    number = iter(range(100))

    def hire(role: str, account: str | None = None) -> Person:
        own = account or api.account
        return signed_in(hired(app, own, role, f"{role}-{next(number)}@{own.lower()}.example"))

    return hire


@pytest.fixture
def owner(hire: Callable[..., Person]) -> Person:
    return hire("owner")


@pytest.fixture
def world(app: App, api: Api) -> World:
    return World(api, lambda: do_what_is_due(app))


@pytest.fixture
def shop(world: World) -> World:
    """A merchant with a paid, an open and a failed invoice."""
    world.at("2026-01-01")
    plan = world.plan("Pro <b>", usd=20)
    anna = world.customer("anna")
    world.post(f"/v1/customers/{anna.id}", name="Anna <script>alert(1)</script>")
    anna.subscribes_to(plan)
    bert = world.customer("Bert")
    bert.owes(12345, text="Advice")
    bert.bills(collection_method="send_invoice", days_until_due=14).does("finalize")
    carl = world.customer("Carl")
    carl.subscribes_to(plan)
    carl.pays_with("declining")
    world.at("2026-02-01 02:00")
    return world
