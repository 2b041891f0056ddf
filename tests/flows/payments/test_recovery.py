"""When is a failed payment tried again by the settings, what ends it, and what came back (§8.6)?"""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from billow import commands, recovering
from billow.app import App
from billow.core.errors import Refused
from billow.flows.mails import kinds
from tests.flows.papers.test_customer_mails import by_time, settings, subjects, text_of
from tests.flows.papers.test_mail import letters, read
from tests.flows.payments.test_dunning import PAST_DUE, failed_renewal
from tests.support.page_visits import CARD, Visitor
from tests.support.world import PAID, REFUSED, Customer, Subscription, World, moment

__all__ = ["letters", "settings"]
Retries = Callable[..., list[list[Any]]]


@pytest.fixture
def retries(app: App, world: World) -> Retries:
    """Set when the merchant tries again: retries(schedules={"soft": {"days": [3]}})."""
    own = replace(app, account=world.api.account)
    return lambda **wanted: recovering.change(own, "test", wanted)


def attempts(world: World, anna: Customer, until: str) -> list[str]:
    """Advance, and return when the card was charged since February, by the charges."""
    world.at(until)
    found = world.get("/v1/charges", customer=anna.id, limit=100, created={"gte": seconds("2025-02-01")})
    return [stamp(charge["created"]) for charge in reversed(found["data"])]


def seconds(day: str) -> int:
    return int(moment(day).timestamp())


def stamp(instant: int) -> str:
    return f"{moment('1970-01-01').fromtimestamp(instant, moment('1970-01-01').tzinfo):%m-%d %H:%M}"


# ------------------------------------------------------------------------------------- schedules


@pytest.mark.parametrize(
    ("schedule", "days"),
    [
        ({"window": "1w"}, [1, 2, 3, 4, 5, 6, 7]),
        ({"window": "3w"}, [1, 3, 6, 9, 12, 15, 18, 21]),
        ({"days": [3, 8, 15]}, [3, 8, 15]),
    ],
)  # fmt: skip
def test_the_card_is_charged_on_the_days_that_are_set(
    world: World, retries: Retries, schedule: dict[str, Any], days: list[int]
) -> None:
    retries(schedules={"soft": schedule})
    anna, plan = failed_renewal(world)
    world.at("2025-02-02")
    found = attempts(world, anna, "2025-02-28")
    assert found == ["02-01 01:00", *(f"02-{1 + day:02} 01:00" for day in days)]
    assert plan.status == "canceled"


def test_a_class_of_declines_may_have_its_own_schedule(world: World, retries: Retries) -> None:
    shown = retries(schedules={"soft": {"days": [2]}, "funds": {"days": [5, 10]}})
    assert shown == [["soft", "2"], ["funds", "5, 10"], ["hard", "2"]]
    anna, _ = failed_renewal(world, "pm_card_chargeCustomerFail")
    assert attempts(world, anna, "2025-02-20") == ["02-01 01:00", "02-03 01:00"]


def test_a_payday_and_the_customers_hour_are_preferred_and_the_reason_is_told(
    app: App, world: World, retries: Retries
) -> None:
    retries(schedules={"soft": {"window": "3w"}}, paydays=[15, 0], habits=True)
    anna, _ = failed_renewal(world)
    found = attempts(world, anna, "2025-02-27")
    # January's payment succeeded on a Wednesday at midnight; Friday 14 is the payday before Saturday 15.
    assert found[0] == "02-01 01:00" and "02-14 00:00" in found
    explained = commands.explain(app, anna.last_invoice.data["id"])
    [line] = [line for line in explained if "next 2025-02-14" in line]
    assert "card_declined" in line or "generic_decline" in line
    assert line.endswith("next 2025-02-14 00:00:00Z, a payday (the 15.), the hour of earlier payments")


def test_the_same_history_leads_to_the_same_days(world: World, retries: Retries) -> None:
    retries(paydays=[1, 15, 0], habits=True)
    anna, _ = failed_renewal(world)
    first = attempts(world, anna, "2025-02-27")
    assert first == sorted(first) and len(first) == 9
    assert first[-1] <= "02-15 13:00"


# ------------------------------------------------------------------------------------- the end


def exhausted(world: World, **metadata: str) -> tuple[Customer, Subscription]:
    """Anna's renewal was tried to the end; her subscription has these metadata."""
    anna, plan = failed_renewal(world)
    if metadata:
        plan.update(metadata=metadata)
    world.at("2025-02-16")
    return anna, plan


@pytest.mark.parametrize(
    ("after", "invoice_after", "status", "invoice"),
    [
        ("cancel", "open", "canceled", "open"),
        ("cancel", "uncollectible", "canceled", "uncollectible"),
        ("unpaid", "open", "unpaid", "open"),
        ("unpaid", "uncollectible", "unpaid", "uncollectible"),
        ("past_due", "open", "past_due", "open"),
        # A written off invoice asks for nothing any more (§5.2).
        ("past_due", "uncollectible", "active", "uncollectible"),
    ],
)  # fmt: skip
def test_the_account_says_what_follows_the_last_retry(
    world: World, retries: Retries, after: str, invoice_after: str, status: str, invoice: str
) -> None:
    retries(after=after, invoice_after=invoice_after)
    anna, plan = exhausted(world)
    assert (plan.status, anna.last_invoice.status) == (status, invoice)
    assert anna.last_invoice.data["next_payment_attempt"] is None


def test_a_subscription_says_it_for_itself(world: World, retries: Retries) -> None:
    retries(after="cancel", invoice_after="open")
    after = {"billow_after_retries": "unpaid", "billow_invoice_after_retries": "uncollectible"}
    anna, plan = exhausted(world, **after)
    assert (plan.status, anna.last_invoice.status) == ("unpaid", "uncollectible")
    assert anna.last_invoice.data["status_details"]["uncollectible"]["reason"] == "max_payment_attempts"


def test_a_word_that_is_none_leaves_it_to_the_account(world: World, retries: Retries) -> None:
    retries(after="unpaid")
    assert exhausted(world, billow_after_retries="forgive")[1].status == "unpaid"


def test_an_invoice_without_a_subscription_says_what_follows(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card="declining")
    anna.owes(5000)
    anna.bills(auto_advance=True, metadata={"billow_invoice_after_retries": "uncollectible"})
    world.at("2025-01-01 01:00")
    world.at("2025-01-15 01:00")
    assert anna.last_invoice.status == "uncollectible"


def test_a_shorter_schedule_counts_when_a_newer_invoice_is_void(world: World, retries: Retries) -> None:
    """The older invoice was tried to its end, which came before that of the usual schedule (§5.2)."""
    retries(schedules={"soft": {"days": [3]}}, after="past_due")
    anna, plan = failed_renewal(world)
    world.at("2025-03-05")
    assert (plan.status, anna.invoices[1].data["attempt_count"]) == ("past_due", 2)
    anna.last_invoice.does("void")
    assert plan.status == "past_due"


# ------------------------------------------------------------------------------------- a new method


def test_a_new_default_method_is_charged_at_once(world: World) -> None:
    anna, plan = failed_renewal(world)
    world.at("2025-02-02 12:00")
    anna.pays_with("visa")
    world.forget()
    world.at("2025-02-02 12:01", expect=[*PAID, *PAST_DUE])
    assert plan.status == "active" and anna.last_invoice.data["attempt_count"] == 3


def test_a_new_method_of_the_subscription_is_charged_at_once(world: World) -> None:
    anna, plan = failed_renewal(world)
    world.at("2025-02-02 12:00")
    method = world.post("/v1/payment_methods/pm_card_visa/attach", customer=anna.id)["id"]
    plan.update(default_payment_method=method)
    world.forget()
    world.at("2025-02-02 12:01", expect=[*PAID, *PAST_DUE])


def test_a_new_method_that_fails_too_leaves_the_schedule_going(world: World) -> None:
    anna, _ = failed_renewal(world)
    world.at("2025-02-02 12:00")
    anna.pays_with("pm_card_chargeCustomerFail")
    world.forget()
    world.at("2025-02-02 12:01", expect=REFUSED)
    invoice = anna.last_invoice.data
    assert (invoice["attempt_count"], stamp(invoice["next_payment_attempt"])) == (3, "02-04 12:00")


def test_the_same_method_set_again_and_one_that_is_only_attached_are_not_charged(world: World) -> None:
    anna, _ = failed_renewal(world)
    world.at("2025-02-02 12:00")
    settings = anna.now["invoice_settings"]
    world.post(f"/v1/customers/{anna.id}", invoice_settings=without_nulls(settings), name="Anna")
    world.post("/v1/payment_methods/pm_card_visa/attach", customer=anna.id)
    world.forget()
    world.at("2025-02-02 12:01", expect=[])


def without_nulls(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def test_a_hard_decline_waits_for_a_new_method_and_its_retries_reach_no_bank(world: World) -> None:
    anna, plan = failed_renewal(world, "always 3DS")
    world.at("2025-02-05")
    assert len(world.get("/v1/charges", customer=anna.id)["data"]) == 2  # January's, and the one that failed
    assert anna.last_invoice.data["attempt_count"] == 3
    anna.pays_with("visa")
    world.forget()
    world.at("2025-02-05 00:01", expect=[*PAID, *PAST_DUE])
    assert plan.status == "active"


# ------------------------------------------------------------------------------------- expiring cards


def expiring(world: World, customer: Customer, month: int, year: int) -> str:
    """Give the default card of a customer an expiry."""
    method = customer.now["invoice_settings"]["default_payment_method"]
    world.post(f"/v1/payment_methods/{method}", card={"exp_month": month, "exp_year": year})
    return str(method)


def test_a_card_that_expires_is_warned_of_a_month_ahead_and_once(world: World, letters: Path) -> None:
    world.at("2025-01-10")
    anna = world.customer("anna")
    expiring(world, anna, 3, 2025)
    idle = world.customer("idle")
    method = expiring(world, idle, 3, 2025)
    other = world.post("/v1/payment_methods/pm_card_mastercard/attach", customer=idle.id)["id"]
    world.post(f"/v1/customers/{idle.id}", invoice_settings={"default_payment_method": other})
    assert method != other
    world.at("2025-02-28")
    assert read(letters) == []
    world.at("2025-03-01")
    assert subjects(letters) == ["Your card at Nimbus Ltd expires soon"]
    [mail] = read(letters)
    text = " ".join(text_of(mail).split())
    assert "Visa ending in 4242" in text and "until the end of March 2025" in text
    assert f"/m/{world.api.tenant}/{anna.id}./" in text
    world.at("2025-06-01")
    assert len(read(letters)) == 1


def test_a_source_that_expires_is_an_event(world: World) -> None:
    world.at("2025-01-10")
    anna = world.customer("anna", card=None)
    card = world.post(f"/v1/customers/{anna.id}/sources", source="tok_visa")["id"]
    world.post(f"/v1/customers/{anna.id}/sources/{card}", exp_month=2, exp_year=2025)
    world.at("2025-01-31")
    world.at("2025-02-01", expect=["customer.source.expiring"])
    [event] = [one for one in world.get("/v1/events", limit=10)["data"] if one["type"].endswith("expiring")]
    assert (event["data"]["object"]["id"], event["data"]["object"]["object"]) == (card, "card")


# ------------------------------------------------------------------------------------- the report


def test_the_report_of_recovery_foots_by_its_means(app: App, world: World, retries: Retries) -> None:
    retries(schedules={"soft": {"days": [3, 6]}}, after="past_due", invoice_after="uncollectible")
    world.at("2025-01-01")
    plans = {name: world.plan(name, usd=amount) for name, amount in AMOUNTS.items()}
    people = {name: world.customer(name.replace(" ", "")) for name in AMOUNTS}
    for name, person in people.items():
        person.subscribes_to(plans[name])
        person.pays_with("visa" if name == "paid at once" else "declining")
    world.at("2025-02-01 02:00")
    people["new method"].pays_with("visa")
    people["out of band"].last_invoice.does("pay", paid_out_of_band=True)
    paying = {"payment_method": attached(world, people["by hand"]), "off_session": False}
    people["by hand"].last_invoice.does("pay", **paying)
    people["void"].last_invoice.does("void")
    world.at("2025-02-20")
    [row] = report(app, world)
    assert row == RECOVERED
    assert row["failed"] == sum(row[name] for name in PARTS)


RECOVERED = {
    "month": "2025-02", "currency": "usd", "invoices": "5", "failed": 31_00, "by_retry": 0,
    "by_new_method": 1_00, "by_customer": 4_00, "out_of_band": 2_00, "otherwise": 0, "still_open": 0,
    "lost": 8_00 + 16_00, "rate": "22.6 %",
}  # fmt: skip
AMOUNTS = {"new method": 1, "out of band": 2, "by hand": 4, "void": 8, "lost": 16, "paid at once": 32}
"""What each pays in a month: no two sums of these are the same."""
PARTS = ("by_retry", "by_new_method", "by_customer", "out_of_band", "otherwise", "still_open", "lost")


def attached(world: World, person: Customer) -> str:
    return str(world.post("/v1/payment_methods/pm_card_visa/attach", customer=person.id)["id"])


def report(app: App, world: World) -> list[dict[str, Any]]:
    own = replace(app, account=world.api.account)
    table = commands.report(own, "recovery", "2025-01-01", "", "test")
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


# ------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"schedules": {"soft": {"window": "9w"}}}, {"schedules": {"soft": {"days": [3, 2]}}},
        {"schedules": {"soft": {"days": [0]}}}, {"schedules": {"soft": {"days": list(range(1, 15))}}},
        {"schedules": {"strange": {"window": "1w"}}}, {"after": "forgive"}, {"invoice_after": "void"},
        {"paydays": [32]},
    ],
)  # fmt: skip
def test_retries_that_make_no_sense_are_refused(retries: Retries, wrong: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        retries(**wrong)


def test_every_step_is_mailed_and_nothing_after_the_payment(
    world: World, letters: Path, settings: Callable[..., None]
) -> None:
    mails = {**dict.fromkeys(kinds.SENT, True), "statement": False}  # of the month, whatever was paid
    settings(mails=mails, retries={"schedules": {"soft": {"days": [2, 4]}}})
    anna, _ = failed_renewal(world)
    world.at("2025-02-04")
    anna.pays_with("visa")
    world.at("2025-02-28")
    sent = [text.split(":")[0] for text in subjects(letters)]
    assert sent[2:4] == ["Your payment to Nimbus Ltd failed", "Last attempt on 5 February 2025"]
    assert sent[4:] == ["Paid, thank you"]
    assert by_time(letters)[-1]["To"] == "anna@example.com"


def test_the_link_in_the_mail_takes_another_card_and_the_money_at_once(
    app: App, world: World, letters: Path
) -> None:
    anna, plan = failed_renewal(world)
    world.at("2025-02-02 12:00")
    [link] = re.findall(r"https?://\S+", text_of(by_time(letters)[-1]))
    page = Visitor(app).opens(link)
    assert page.status == 200 and "US$20.00" in page.words()
    assert page.sends(**CARD).status == 200
    world.work()
    assert (plan.status, anna.last_invoice.status) == ("active", "paid")
    assert subjects(letters)[-1] == "Paid, thank you: US$20.00 to Nimbus Ltd"
    count = len(read(letters))
    world.at("2025-02-28")
    assert len(read(letters)) == count
    [row] = report(app, world)
    assert (row["by_customer"], row["failed"], row["rate"]) == (20_00, 20_00, "100.0 %")
