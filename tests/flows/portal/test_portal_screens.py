"""Do the portal's screens say what the books say, and only to whom it belongs?"""

import re
from dataclasses import replace
from typing import Any

import pytest

from billow.flows.outside import merchant
from billow.flows.previews import cost_alerts, running_costs
from billow.pages import frame
from billow.pages.portal import SCREENS
from billow.providers.mail import Mailer, Message
from billow.store import clocks
from tests.support.page_visits import Visitor
from tests.support.portal_stories import furnished
from tests.support.world import World, seconds


def shows(app: Any, session: dict[str, Any], screen: str, **more: str) -> Visitor:
    args = "".join(f"&{name}={value}" for name, value in more.items())
    return Visitor(app).opens(f"{session['url']}?show={screen}{args}")


def test_costs_are_those_of_the_next_invoice(world: World, app: Any) -> None:
    ann, session = furnished(world)
    costs = shows(app, session, "costs")
    subscriptions = world.get("/v1/subscriptions", customer=ann.id)["data"]
    for one in subscriptions:
        said = world.post("/v1/invoices/create_preview", subscription=one["id"])
        assert f"US${said['total'] / 100:.2f}" in costs.words(), said["total"]
    assert "Of this, usage so far: US$30.00" in costs.words()
    assert "Expected: about US$82.00" in costs.words(), "900 calls less 8.00 of credits"
    home = Visitor(app).opens(session["url"])
    assert "Expected: about US$82.00" in home.words()
    world.at("2025-05-01 02:00")
    made = [one["total"] for one in world.get("/v1/invoices", customer=ann.id)["data"]]
    assert 2200 in made, "nothing more was used, so it is what the page has said"


def test_usage_is_shown_by_day_and_dimension(world: World, app: Any) -> None:
    _, session = furnished(world)
    usage = shows(app, session, "usage")
    assert "<svg" in usage.text and usage.text.count("<rect") == 10
    assert "300" in usage.words() and "1 Apr 2025" in usage.words()
    split = shows(app, session, "usage", by="region")
    assert split.text.count("<rect") == 20 and "eu-west" in split.words()
    text = shows(app, session, "usage", by="region", **{"as": "csv"}).text.splitlines()
    assert text[0] == "day,meter,region,usage"
    assert "2025-04-03,calls,eu-west,20" in text and "2025-04-03,calls,'=us+east,10" in text
    whole = shows(app, session, "usage", **{"as": "csv"}).text.splitlines()
    assert whole[1] == "2025-04-01,calls,30" and len(whole) == 12
    charges = shows(app, session, "usage", **{"as": "focus"}).text.splitlines()
    assert charges[0].startswith("BilledCost,BillingAccountId") and len(charges) > 1
    nothing = shows(app, session, "usage", period="before")
    assert "Nothing was used" in nothing.words()
    unheard = shows(app, session, "usage", by="x'; drop table", meter="mtr_unheard")
    assert unheard.status == 200 and unheard.text.count("<rect") == 10


def test_papers_are_there_to_be_downloaded(world: World, app: Any) -> None:
    _, session = furnished(world)
    papers = shows(app, session, "papers")
    for heading in ("Invoices", "Credit notes", "Receipts"):
        assert heading in papers.words()
    client = app.wsgi.test_client()
    links = re.findall(r'href="https?://[^/]+(/[inr]/[^"]+)"', papers.text)
    kinds = {path.rsplit("/", 1)[1] for path in links if path.endswith(("/pdf", "/xrechnung"))}
    assert kinds == {"pdf", "xrechnung"}
    for path in links:
        assert client.get(path).status_code in ((200, 422) if "xrechnung" in path else (200,)), path


def test_credits_and_features_are_shown(world: World, app: Any) -> None:
    _, session = furnished(world)
    credits = shows(app, session, "credits").words()
    assert "US$5.00" in credits and "It is taken off your next invoices." in credits
    assert "Welcome" in credits and "US$8.00 left" in credits and "Granted" in credits
    assert "Private networks" in credits


def test_a_change_says_what_it_costs_now_and_later(world: World, app: Any) -> None:
    ann, session = furnished(world)
    home = Visitor(app).opens(session["url"])
    [about] = re.findall(r"ask=update&amp;about=(sub_\w+)", home.text)
    [large] = [one["id"] for one in world.get("/v1/prices", limit=10)["data"] if one["unit_amount"] == 5000]
    step = Visitor(app).opens(f"{session['url']}?ask=update&about={about}")
    step.sends(action="choose", price=large, quantity="1")
    [now] = re.findall(r"Pay (US\$[\d.]+) now and change", step.words())
    assert f"Due now: {now}" in step.words() and "From then on: US$50.00 per month" in step.words()
    step.sends(action="switch", price=large, quantity="1")
    paid = world.get("/v1/invoices", customer=ann.id)["data"][0]
    assert now == f"US${paid['amount_due'] / 100:.2f}"


# ------------------------------------------------------------------------------------- alerts


class Kept(Mailer):
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send(self, message: Message) -> None:
        self.sent.append(message)


@pytest.fixture
def letters(app: Any, monkeypatch: pytest.MonkeyPatch) -> Kept:
    kept = Kept()
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, mailer=kept))
    return kept


def alerts(kept: Kept) -> list[str]:
    return [mail.subject for mail in kept.sent if "costs have reached" in mail.subject]


def test_an_alert_is_mailed_once_in_a_period(world: World, app: Any, letters: Kept) -> None:
    ann, session = furnished(world)
    costs = shows(app, session, "costs")
    for wrong in ("", "abc", "-5", "1.005", "1e999999"):
        assert costs.sends(action="alert", amount=wrong).status == 422
    costs.sends(action="alert", amount="60")
    assert "At US$60.00" in costs.words()
    world.work()
    assert alerts(letters) == [], "the next invoices come to 42.00"
    payload = {"stripe_customer_id": ann.id, "value": 400}
    for _ in range(2):
        world.post(
            "/v1/billing/meter_events",
            event_name="calls",
            payload=payload,
            timestamp=seconds("2025-04-10 13:00"),
        )
        world.work()
    assert alerts(letters) == ["Your costs have reached US$60.00"]
    assert "Reached in this period" in shows(app, session, "costs").words()
    world.at("2025-05-02 02:00")
    world.post(
        "/v1/billing/meter_events", event_name="calls", payload=payload, timestamp=seconds("2025-05-02 01:00")
    )
    world.work()
    assert len(alerts(letters)) == 2, "another period"


def test_alerts_are_few_and_can_be_removed(world: World, app: Any) -> None:
    _, session = furnished(world)
    costs = shows(app, session, "costs")
    for amount in range(100, 100 + cost_alerts.MOST):
        costs.sends(action="alert", amount=str(amount))
    assert costs.text.count("alert_remove") == cost_alerts.MOST and 'name="amount"' not in costs.text
    [about, *_] = re.findall(r'value="(cal_\w+)"', costs.text)
    costs.sends(action="alert_remove", about=about)
    assert costs.text.count("alert_remove") == cost_alerts.MOST - 1


# ------------------------------------------------------------------------------------- whose they are


@pytest.mark.parametrize("screen", sorted({*SCREENS, ""}))
def test_a_screen_shows_nothing_of_anyone_else(world: World, app: Any, screen: str) -> None:
    """Enumerated, so that a new screen is asked too."""
    ann, _ = furnished(world, name="Victoria")
    bea = world.customer("bea")
    theirs = world.post("/v1/billing_portal/sessions", customer=bea.id)
    [calls] = [one["id"] for one in world.get("/v1/billing/meters")["data"] if one["event_name"] == "calls"]
    shown = shows(app, theirs, screen, meter=calls, about=ann.id)
    assert shown.status == 200
    for told in ("Victoria", ann.id, "Welcome", "eu-west", "Private networks", "30.00", "credit-notes"):
        assert told not in shown.text


@pytest.mark.parametrize("screen", sorted({*SCREENS, ""}))
def test_a_screen_opens_for_the_right_seal_only(world: World, app: Any, screen: str) -> None:
    _, session = furnished(world)
    broken = session["url"][:-1] + ("A" if session["url"][-1] != "A" else "B")
    assert Visitor(app).opens(f"{broken}?show={screen}").status == 404
    assert shows(app, session, screen).headers["Cache-Control"] == "no-store"


def test_anothers_alert_is_out_of_reach(world: World, app: Any) -> None:
    _, session = furnished(world)
    costs = shows(app, session, "costs").sends(action="alert", amount="500")
    [about] = re.findall(r'value="(cal_\w+)"', costs.text)
    bea = world.customer("bea", email="bea@example.com")
    theirs = world.post("/v1/billing_portal/sessions", customer=bea.id)
    shows(app, theirs, "costs").sends(action="alert_remove", about=about)
    assert about in shows(app, session, "costs").text
    costs.sends(action="alert", amount="600", token="planted")
    assert "US$600" not in shows(app, session, "costs").words(), "a form of elsewhere"


def test_what_is_switched_off_is_not_there(world: World, app: Any) -> None:
    world.post("/v1/billing_portal/configurations", features={"customer_update": {"enabled": "false"}})
    bea = world.customer("bea")
    session = world.post("/v1/billing_portal/sessions", customer=bea.id)
    assert "show=papers" not in Visitor(app).opens(session["url"]).text
    assert "Receipts" not in shows(app, session, "papers").words()


# ------------------------------------------------------------------------------------- how it looks


def test_the_portal_has_the_colour_of_the_account(world: World, app: Any) -> None:
    _, session = furnished(world)
    assert "/brand." not in Visitor(app).opens(session["url"]).text
    with app.db.transaction(world.api.tenant) as tx:
        merchant.store(tx, merchant.Merchant(primary_color="#0F766E"))
    [sheet] = re.findall(r'href="(/brand\.[^"]+)"', Visitor(app).opens(session["url"]).text)
    answer = app.wsgi.test_client().get(sheet)
    assert answer.status_code == 200 and "--accent: #0F766E" in answer.get_data(as_text=True)
    for planted in ("/brand.red.css", "/brand.0F766E}.css", "/brand.0f766e.css"):
        assert app.wsgi.test_client().get(planted).status_code == 404
    assert "dark" not in frame.brand_css("#1A1F2B") and "light" not in frame.brand_css("#F5F5F5")


@pytest.mark.parametrize("language", ["sv", "de", "fr"])
def test_every_screen_speaks_the_customers_language(world: World, app: Any, language: str) -> None:
    ann, _ = furnished(world)
    session = world.post("/v1/billing_portal/sessions", customer=ann.id, locale=language)
    for screen in SCREENS:
        shown = shows(app, session, screen)
        assert f'<html lang="{language}"' in shown.text and len(shown.text) < 60_000
        for english in ("Usage so far", "Alerts", "Receipts", "Next invoice", "Download"):
            assert english not in shown.words()


def test_the_balance_is_taken_off_once(world: World, app: Any) -> None:
    """A credit of 30.00: of 20.00 and 25.00 the first is paid by it, and the second is 15.00."""
    world.at("2025-01-01")
    anna = world.customer("anna")
    for name, price in (("Pro", 20), ("Max", 25)):
        anna.subscribes_to(world.plan(name, usd=price))
    world.post(f"/v1/customers/{anna.id}/balance_transactions", amount=-3000, currency="usd")
    with app.db.transaction(world.api.tenant) as tx:
        costs = running_costs.costs_of(clocks.enter(tx, world.clock), anna.id)
    assert sorted((one.total, one.due) for one in costs) in (
        [(2000, 0), (2500, 1500)],
        [(2000, 1500), (2500, 0)],
    )
