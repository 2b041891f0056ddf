"""Does a mailed link let a customer into the portal, once and nobody else?"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from billow.flows.platform import retention
from billow.flows.portal import logins
from billow.providers.mail import Mailer, Message
from tests.support.page_visits import Visitor
from tests.support.world import World

ON = {"features": {"invoice_history": {"enabled": True}}, "login_page": {"enabled": True}}


class Kept(Mailer):
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send(self, message: Message) -> None:
        self.sent.append(message)


@pytest.fixture(autouse=True)
def letters(app: Any) -> Iterator[Kept]:
    before, kept = app.db.outside, Kept()
    app.db.outside = replace(before, mailer=kept)
    yield kept
    app.db.outside = before


def page(world: World) -> str:
    made = world.post("/v1/billing_portal/configurations", **ON)
    assert made["login_page"]["url"].endswith(made["id"])
    return str(made["login_page"]["url"])


def asks(app: Any, url: str, email: str) -> Visitor:
    return Visitor(app).opens(url).sends(action="login", email=email)


def mailed(app: Any, world: World) -> list[str]:
    """The links of the mails that were sent, the latest last."""
    world.work()
    texts = [mail.text for mail in app.db.outside.mailer.sent]
    return [link for text in texts for link in re.findall(r"http\S*/l/\S+", text)]


def test_a_link_lets_in_once(world: World, app: Any) -> None:
    url = page(world)
    ann = world.post("/v1/customers", name="Ann", email="ann@example.com")["id"]
    said = asks(app, url, "Ann@example.com").words()
    assert "If we know this address" in said
    [link] = mailed(app, world)[-1:]
    landing = Visitor(app).opens(link)
    assert not world.get("/v1/events", type="billing_portal.session.created")["data"], (
        "a look uses nothing up"
    )
    landing.sends(action="enter")
    assert "/p/" in landing.address and "Invoices" in landing.words()
    [event] = world.get("/v1/events", type="billing_portal.session.created")["data"]
    assert event["data"]["object"]["customer"] == ann
    assert event["data"]["object"]["id"] in landing.address, "a session of its own, with another address"
    again = Visitor(app).opens(link)
    assert again.status == 404 and "This link is over" in again.words()


def test_the_answer_is_the_same_for_nobody(world: World, app: Any) -> None:
    url = page(world)
    world.post("/v1/customers", name="Ann", email="ann@example.com")
    known = asks(app, url, "ann@example.com")
    sent = len(mailed(app, world))
    nobody = asks(app, url, "nobody@example.com")
    assert (nobody.status, nobody.text) == (known.status, known.text)
    assert len(mailed(app, world)) == sent
    assert asks(app, url, "no address").status == 422


def test_an_address_gets_three_links_an_hour(world: World, app: Any) -> None:
    url = page(world)
    world.post("/v1/customers", name="Ann", email="ann@example.com")
    before = len(mailed(app, world))
    answers = {asks(app, url, "ann@example.com").text for _ in range(5)}
    assert len(answers) == 1 and len(mailed(app, world)) - before == logins.MOST
    statuses = [asks(app, url, "x@example.com").status for _ in range(logins.ORIGIN_MOST)]
    assert statuses[0] == 200 and statuses[-1] == 429


def test_a_link_ends_after_fifteen_minutes(world: World, app: Any) -> None:
    url = page(world)
    world.post("/v1/customers", name="Ann", email="ann@example.com")
    asks(app, url, "ann@example.com")
    [link] = mailed(app, world)[-1:]
    with app.db.transaction(world.api.tenant) as tx:
        tx.run("update portal_logins set expires_at = %(wall)s", wall=tx.wall - timedelta(seconds=1))
    assert Visitor(app).opens(link).status == 404


def test_of_several_accounts_one_is_chosen(world: World, app: Any) -> None:
    url = page(world)
    for name in ("Ann Ltd", "Ann Inc"):
        world.post("/v1/customers", name=name, email="ann@example.com")
    other = world.post("/v1/customers", name="Bea", email="bea@example.com")["id"]
    asks(app, url, "ann@example.com")
    [link] = mailed(app, world)[-1:]
    landing = Visitor(app).opens(link)
    assert "Ann Ltd" in landing.words() and "Ann Inc" in landing.words()
    stranger = Visitor(app).opens(link).sends(action="enter", customer=other)
    assert "/l/" in stranger.address, "the link is not for another customer"
    [id] = re.findall(r'value="(cus_\w+)"', landing.text)[:1]
    assert "/p/" in landing.sends(action="enter", customer=id).address


def test_a_page_that_is_off_is_not_there(world: World, app: Any) -> None:
    made = world.post("/v1/billing_portal/configurations", **ON)
    id, url = made["id"], made["login_page"]["url"]
    world.post(f"/v1/billing_portal/configurations/{id}", login_page={"enabled": "false"})
    assert Visitor(app).opens(url).status == 404
    assert Visitor(app).opens(url.replace(id, "bpc_unheard")).status == 404


def test_a_link_of_a_page_that_was_closed_lets_nobody_in(world: World, app: Any) -> None:
    made = world.post("/v1/billing_portal/configurations", **ON)
    world.post("/v1/customers", name="Ann", email="ann@example.com")
    asks(app, made["login_page"]["url"], "ann@example.com")
    [link] = mailed(app, world)[-1:]
    landing = Visitor(app).opens(link)
    world.post(f"/v1/billing_portal/configurations/{made['id']}", login_page={"enabled": "false"})
    assert Visitor(app).opens(link).status == 404
    assert "/p/" not in landing.sends(action="enter").address


def test_a_form_of_elsewhere_sends_nothing(world: World, app: Any) -> None:
    url = page(world)
    world.post("/v1/customers", name="Ann", email="ann@example.com")
    before = len(mailed(app, world))
    visitor = Visitor(app).opens(url)
    visitor.sends(action="login", email="ann@example.com", token="planted")
    assert "Enter your mail address" in visitor.words() and len(mailed(app, world)) == before


def test_a_session_that_is_over_mails_a_link_where_it_says_so(world: World, app: Any) -> None:
    world.post("/v1/billing_portal/configurations", **ON)
    ann = world.post("/v1/customers", name="Ann", email="ann@example.com")["id"]
    login = {"type": "customer_login"}
    kept = world.post(
        "/v1/billing_portal/sessions", customer=ann, after_expiration=login, return_url="https://a.example/"
    )
    lost = world.post("/v1/billing_portal/sessions", customer=ann)
    with app.db.transaction(world.api.tenant) as tx:
        tx.run("update portal_sessions set expires_at = %(wall)s", wall=tx.wall - timedelta(seconds=1))
    assert "There is nothing" in Visitor(app).opens(lost["url"]).words()
    visitor = Visitor(app).opens(kept["url"])
    assert visitor.status == 404 and "Mail me a link" in visitor.words()
    visitor.sends(action="login")
    [link] = mailed(app, world)[-1:]
    entered = Visitor(app).opens(link).sends(action="enter")
    assert "https://a.example/" in entered.text


def test_old_requests_are_forgotten(world: World, app: Any) -> None:
    asks(app, page(world), "nobody@example.com")
    with app.db.transaction(world.api.tenant) as tx:
        assert retention.prune_logins(tx) == 0
        tx.run("update portal_logins set created = %(then)s", then=tx.wall - timedelta(days=2))
        assert retention.prune_logins(tx) == 1
