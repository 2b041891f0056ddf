"""Do lives of subscriptions match their reviewed texts? `make golden` writes the changes for review."""

import pytest

from tests.golden import more_lives  # noqa: F401  (its stories are told here)
from tests.golden.lives import STORIES, Life, change, first_item, seconds, story
from tests.golden.test_papers import agree
from tests.support.world import World

# ------------------------------------------------------------------------------------- prices and quantities


@story("subscriptions")
def a_plain_year_from_the_31st(world: World) -> Life:
    life = Life(world, "Monthly from the 31st: the last day where a month has none", "2025-01-31 10:00")
    pro = world.plan("Pro", usd=20)
    life.does("subscribes to Pro", lambda: life.anna.subscribes_to(pro))
    life.at("2025-05-31 12:00")
    return life


@story("subscription_changes")
def seats_come_and_go(world: World) -> Life:
    life = Life(world, "Five seats, then eight, then two: prorations wait for the renewal", "2025-04-01")
    seat = world.plan("Seat", usd=15)
    life.does("subscribes to 5 seats", lambda: life.anna.subscribes_to({"price": seat, "quantity": 5}))
    life.at("2025-04-16")
    change(life, "takes 8 seats", items=[{"id": first_item(life), "quantity": 8}])
    life.at("2025-04-26")
    change(life, "keeps 2 seats", items=[{"id": first_item(life), "quantity": 2}])
    life.at("2025-06-01 02:00")
    return life


@story("subscription_changes")
def an_upgrade_paid_at_once(world: World) -> Life:
    life = Life(world, "From Basic to Pro in the middle of May, paid at once", "2025-05-01")
    basic, pro = world.plan("Basic", usd=100), world.plan("Pro", usd=200)
    life.does("subscribes to Basic", lambda: life.anna.subscribes_to(basic))
    life.at("2025-05-16 12:00")
    item = {"id": first_item(life), "price": pro}
    change(life, "moves to Pro, invoiced at once", items=[item], proration_behavior="always_invoice")
    life.at("2025-06-01 02:00")
    return life


@story("subscription_changes")
def a_downgrade_leaves_a_credit(world: World) -> Life:
    life = Life(
        world, "From Pro to Basic at once: the credit stays on the balance and pays next month", "2025-05-01"
    )
    basic, pro = world.plan("Basic", usd=100), world.plan("Pro", usd=200)
    life.does("subscribes to Pro", lambda: life.anna.subscribes_to(pro))
    life.at("2025-05-16 12:00")
    item = {"id": first_item(life), "price": basic}
    change(life, "moves to Basic, invoiced at once", items=[item], proration_behavior="always_invoice")
    life.at("2025-06-01 02:00")
    return life


@story("subscription_changes")
def a_change_that_waits_for_the_next_period(world: World) -> Life:
    life = Life(world, "A higher price without proration: it counts from the renewal", "2025-05-01")
    basic, pro = world.plan("Basic", usd=100), world.plan("Pro", usd=200)
    life.does("subscribes to Basic", lambda: life.anna.subscribes_to(basic))
    life.at("2025-05-16 12:00")
    item = {"id": first_item(life), "price": pro}
    change(life, "moves to Pro, no proration", items=[item], proration_behavior="none")
    life.at("2025-06-01 02:00")
    return life


@story("subscription_changes")
def from_monthly_to_yearly(world: World) -> Life:
    life = Life(world, "From monthly to yearly with the anchor as it was", "2025-01-10")
    month, year = world.plan("Monthly", usd=149), world.plan("Yearly", every="year", usd=1490)
    life.does("subscribes monthly", lambda: life.anna.subscribes_to(month))
    life.at("2025-02-20")
    item = {"id": first_item(life), "price": year}
    change(life, "pays by the year, invoiced at once", items=[item], proration_behavior="always_invoice")
    life.at("2026-01-10 02:00")
    return life


@story("subscription_changes")
def the_anchor_is_moved_to_today(world: World) -> Life:
    life = Life(world, "A new billing day: what is left is credited, a full period begins", "2025-04-01")
    base = world.plan("Base", usd=30)
    life.does("subscribes to Base", lambda: life.anna.subscribes_to(base))
    life.at("2025-04-16")
    change(
        life,
        "is billed from today",
        billing_cycle_anchor={"type": "now"},
        proration_behavior="always_invoice",
    )
    life.at("2025-05-16 02:00")
    return life


@story("subscription_changes")
def an_item_is_added_and_another_removed(world: World) -> Life:
    life = Life(world, "An item more in mid-month, and the first one gone a week later", "2025-04-01")
    base, extra = world.plan("Base", usd=30), world.plan("Extra", usd=60)
    life.does("subscribes to Base", lambda: life.anna.subscribes_to(base))
    life.at("2025-04-16")
    change(life, "adds Extra", items=[{"price": extra}])
    life.at("2025-04-23")
    change(life, "gives up Base", items=[{"id": first_item(life), "deleted": True}])
    life.at("2025-05-01 02:00")
    return life


# ------------------------------------------------------------------------------------- trials


@story("subscription_terms")
def a_trial_of_two_weeks(world: World) -> Life:
    life = Life(world, "Fourteen days of trial, then twenty dollars", "2025-01-01")
    pro = world.plan("Pro", usd=20)
    life.does("tries Pro", lambda: life.anna.subscribes_to(pro, trial_period_days=14))
    life.at("2025-02-15 02:00")
    return life


@story("subscription_terms")
def a_trial_ended_early(world: World) -> Life:
    life = Life(world, "A trial that its customer ends after four days", "2025-04-01")
    pro = world.plan("Pro", usd=30)
    life.does("tries Pro", lambda: life.anna.subscribes_to(pro, trial_period_days=14))
    life.at("2025-04-05")
    change(life, "ends the trial", trial_end="now")
    life.at("2025-05-05 02:00")
    return life


@story("subscription_terms")
def a_trial_without_a_card_is_canceled(world: World) -> Life:
    life = Life(world, "A trial that nobody can be charged for", "2025-04-01", card=None)
    pro = world.plan("Pro", usd=30)
    settings = {"end_behavior": {"missing_payment_method": "cancel"}}
    life.does("tries Pro", lambda: life.anna.subscribes_to(pro, trial_period_days=7, trial_settings=settings))
    life.at("2025-04-09")
    return life


@story("subscription_terms")
def a_trial_in_the_middle(world: World) -> Life:
    life = Life(world, "X70: an active one is given a trial until the first", "2025-06-23")
    pro = world.plan("Pro", usd=30)
    life.does("subscribes to Pro", lambda: life.anna.subscribes_to(pro))
    life.at("2025-07-15")
    change(
        life, "is given a trial until August 1", trial_end=seconds("2025-08-01"), proration_behavior="none"
    )
    life.at("2025-09-01 02:00")
    return life


# ------------------------------------------------------------------------------------- payments that fail


@story("payments")
def a_card_that_fails_for_a_week(world: World) -> Life:
    life = Life(world, "A renewal that fails, a new card, and all is well", "2025-01-01")
    pro = world.plan("Pro", usd=20)
    life.does("subscribes to Pro", lambda: life.anna.subscribes_to(pro))
    life.does("the card begins to fail", lambda: life.anna.pays_with("declining"))
    life.at("2025-02-03")
    life.does("a card that pays", lambda: life.anna.pays_with("visa"))
    life.at("2025-03-01 02:00")
    return life


@story("payments")
def a_card_that_never_pays_again(world: World) -> Life:
    life = Life(world, "Every retry fails: the subscription is canceled", "2025-01-01")
    pro = world.plan("Pro", usd=20)
    life.does("subscribes to Pro", lambda: life.anna.subscribes_to(pro))
    life.does("the card begins to fail", lambda: life.anna.pays_with("declining"))
    life.at("2025-03-15")
    return life


@story("subscriptions")
def a_first_payment_that_never_comes(world: World) -> Life:
    life = Life(world, "Declined at the start: 23 hours later it never was", "2025-01-01", card="declining")
    pro = world.plan("Pro", usd=20)
    life.does("subscribes to Pro", lambda: life.anna.subscribes_to(pro))
    life.at("2025-01-03")
    return life


@story("subscription_changes")
def an_upgrade_that_must_be_paid_first(world: World) -> Life:
    life = Life(
        world, "An upgrade holds only if it is paid: it waits, expires, and is tried again", "2025-05-01"
    )
    basic, pro = world.plan("Basic", usd=100), world.plan("Pro", usd=200)
    life.does("subscribes to Basic", lambda: life.anna.subscribes_to(basic))
    life.does("the card begins to fail", lambda: life.anna.pays_with("declining"))
    life.at("2025-05-16 12:00")
    wanted = {
        "items": [{"id": first_item(life), "price": pro}],
        "proration_behavior": "always_invoice",
        "payment_behavior": "pending_if_incomplete",
    }
    change(life, "wants Pro, if it is paid", **wanted)
    life.at("2025-05-18")
    life.does("a card that pays", lambda: life.anna.pays_with("visa"))
    change(life, "wants Pro again", **wanted)
    life.at("2025-06-01 02:00")
    return life


# ------------------------------------------------------------------------------------- ends


@story("subscriptions")
def canceled_with_its_period(world: World) -> Life:
    life = Life(world, "Canceled at the end of the period, taken back, and canceled for good", "2025-01-01")
    base = world.plan("Base", usd=20)
    calls = world.metered("Calls", world.meter("calls"), cents="100")
    life.does("subscribes to Base and Calls", lambda: life.anna.subscribes_to(base, calls))
    life.at("2025-01-15")
    change(life, "cancels at the end of the period", cancel_at_period_end=True)
    life.at("2025-01-20")
    change(life, "stays after all", cancel_at_period_end=False)
    life.at("2025-02-12")
    life.does("makes 3 calls", lambda: life.anna.uses("calls", 3, "2025-02-10"))
    change(life, "cancels at the end of the period", cancel_at_period_end=True)
    life.at("2025-03-02")
    return life


@story("subscriptions")
def canceled_now_with_the_rest_given_back(world: World) -> Life:
    life = Life(world, "Canceled in mid-month: unused time credited, usage billed", "2025-01-01")
    base = world.plan("Base", usd=20)
    calls = world.metered("Calls", world.meter("calls"), cents="100")
    life.does("subscribes to Base and Calls", lambda: life.anna.subscribes_to(base, calls))
    life.anna.uses("calls", 3, "2025-01-01")
    life.at("2025-01-16 12:00")
    life.does("cancels now", lambda: life.plan and life.plan.cancels(prorate=True, invoice_now=True))
    life.at("2025-01-17")
    return life


@story("subscriptions")
def an_end_that_is_moved(world: World) -> Life:
    life = Life(world, "X60, X61: a yearly one ends on July 1, then on October 1", "2025-01-01")
    year = world.plan("Yearly", every="year", usd=120)
    life.does("subscribes for a year", lambda: life.anna.subscribes_to(year))
    change(life, "will end on July 1", cancel_at=seconds("2025-07-01"))
    life.at("2025-02-15")
    change(life, "will end on October 1", cancel_at=seconds("2025-10-01"))
    life.at("2025-10-02")
    return life


# ------------------------------------------------------------------------------------- use, and rhythms


@story("billing")
def usage_in_tiers(world: World) -> Life:
    life = Life(world, "A base fee and calls in graduated tiers", "2025-01-31")
    base = world.plan("Base", usd=20)
    calls = world.metered("Calls", world.meter("calls"), tiers=[(1000, "0.5"), ("inf", "0.25")])
    life.does("subscribes to Base and Calls", lambda: life.anna.subscribes_to(base, calls))
    life.at("2025-02-14")
    life.does("makes 1500 calls", lambda: life.anna.uses("calls", 1500, "2025-02-13"))
    life.at("2025-03-31 02:00")
    return life


@story("subscriptions")
def a_month_two_months_and_a_quarter(world: World) -> Life:
    life = Life(world, "X73: three rhythms from one anchor, combined where they meet", "2025-01-01")
    prices = [world.plan(f"Every {count}", count=count, usd=10 * count) for count in (1, 2, 3)]
    life.does("subscribes to all three", lambda: life.anna.subscribes_to(*prices))
    life.at("2025-07-01 02:00")
    return life


@story("subscriptions")
def a_yearly_licence_on_leap_day(world: World) -> Life:
    life = Life(world, "X66: yearly from February 29", "2024-02-29")
    year = world.plan("Yearly", every="year", usd=120)
    life.does("subscribes for a year", lambda: life.anna.subscribes_to(year))
    life.at("2028-02-29 02:00")
    return life


@story("invoices")
def sent_and_paid_by_transfer(world: World) -> Life:
    life = Life(world, "Invoices that are sent: due in 14 days, one of them late", "2025-01-01", card=None)
    pro = world.plan("Pro", eur=90)
    form = {"collection_method": "send_invoice", "days_until_due": 14}
    life.does("subscribes to Pro", lambda: life.anna.subscribes_to(pro, **form))
    life.at("2025-01-10")
    life.does("pays by transfer", lambda: life.anna.last_invoice.does("pay", paid_out_of_band=True))
    life.at("2025-02-20")
    life.does("pays by transfer, late", lambda: life.anna.last_invoice.does("pay", paid_out_of_band=True))
    return life


@pytest.mark.parametrize("name", STORIES)
def test_a_life_reads_as_it_did(world: World, name: str) -> None:
    agree(name, STORIES[name](world).text())
