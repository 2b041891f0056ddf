"""Whatever is asked of a subscription, its preview is what is then billed (issue 4, Proof)."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.flows.conftest import Worlds
from tests.flows.subscription_changes.test_change_properties import BEGAN, PRICES, Stage, Step, steps
from tests.support.preview_checks import PREVIEW, amounts, table_digests
from tests.support.world import World, flat

DAY = 86400
MANY = settings(
    max_examples=int(os.environ.get("BILLOW_EXAMPLES", "12")),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
COUPONS: dict[str, dict[str, Any]] = {
    "ever": {"percent_off": 15, "duration": "forever"},
    "once": {"percent_off": 30, "duration": "once"},
    "months": {"percent_off": 10, "duration": "repeating", "duration_in_months": 2},
    "amount": {"amount_off": 500, "currency": "usd", "duration": "forever"},
}
BEHAVIORS = ["create_prorations", "always_invoice", "none"]


@dataclass(frozen=True)
class Terms:
    """What was agreed: the billing mode, discounts and tax rates, and whether use is measured as well."""

    mode: str
    coupon: str | None
    of_item: bool
    tax: float | None
    inclusive: bool
    metered: bool


agreements = st.builds(
    Terms,
    mode=st.sampled_from(["classic", "flexible"]),
    coupon=st.sampled_from([None, *COUPONS]),
    of_item=st.booleans(),
    tax=st.sampled_from([None, 7.7, 19]),
    inclusive=st.booleans(),
    metered=st.booleans(),
)


class Agreed(Stage):
    """A customer with one licensed item, and perhaps a measured one, on these terms."""

    def __init__(self, world: World, terms: Terms) -> None:
        self.world, self.now = world, BEGAN
        world.at(BEGAN.strftime("%Y-%m-%d %H:%M"))
        self.anna = world.customer("anna")
        self.prices = [world.plan(f"P{cents}", usd=cents / 100) for cents in PRICES]
        calls = world.metered("Calls", world.meter("calls"), cents="7.5")
        coupons = [{"coupon": world.coupon(**COUPONS[terms.coupon])}] if terms.coupon else None
        rates = [world.tax(terms.tax, inclusive=terms.inclusive)] if terms.tax else None
        item = {"price": self.prices[3], "quantity": 3, "discounts": coupons if terms.of_item else None}
        more = {"discounts": None if terms.of_item else coupons, "default_tax_rates": rates}
        items = [item, calls] if terms.metered else [item]
        self.plan = self.anna.subscribes_to(*items, billing_mode={"type": terms.mode}, **more)
        found = self.plan.now["items"]["data"]
        [self.item] = [one["id"] for one in found if one["price"]["id"] == self.prices[3]]
        self.terms = terms
        if terms.metered:
            self.anna.uses("calls", 11, "2025-01-31 09:30")

    def shown(self, details: dict[str, Any]) -> dict[str, Any] | None:
        """The preview, None where nothing is to come; it leaves nothing behind."""
        before = table_digests(self.world)
        form = {"subscription": self.plan.id, "subscription_details": details}
        answer = self.world.api.post(PREVIEW, flat(form))
        assert table_digests(self.world) == before
        assert "error" not in answer or answer["error"].get("code") == "invoice_upcoming_none", answer
        return None if "error" in answer else dict(answer)

    def billed(self, details: dict[str, Any], do: Callable[[], Any]) -> None:
        """What is billed by the deed, or at the end of the period in which it is done, is what was shown."""
        shown, count = self.shown(details), len(self.anna.invoices)
        do()
        if len(self.anna.invoices) == count and self.plan.status in ("active", "trialing"):
            ends = [item["current_period_end"] for item in self.plan.now["items"]["data"]]
            due = datetime.fromtimestamp(min(ends), UTC)
            self.wait(int((due - self.now).total_seconds()))
        else:
            self.wait(1)  # what is collected at once is then done
        if shown is None:
            assert len(self.anna.invoices) == count
            return
        invoice = self.anna.invoices[count]
        assert lines(self.world, invoice.data["id"]) == [facts(line) for line in shown["lines"]["data"]]
        assert amounts(invoice.now) == amounts(shown)


def lines(world: World, invoice: str) -> list[tuple[Any, ...]]:
    return [facts(line) for line in world.get(f"/v1/invoices/{invoice}/lines", limit=100)["data"]]


def facts(line: dict[str, Any]) -> tuple[Any, ...]:
    off = [one["amount"] for one in line["discount_amounts"]]
    taxes = [one["amount"] for one in line["taxes"]]
    return line["description"], line["amount"], line["quantity"], line["period"], off, taxes


def on_terms(worlds: Worlds, terms: Terms, story: list[Step], wait: int) -> Agreed:
    stage = Agreed(worlds(), terms)
    for step in story:
        stage.change(step)
    stage.wait(wait)
    return stage


stories = {
    "terms": agreements,
    "story": st.lists(steps, max_size=2),
    "wait": st.integers(0, 40 * DAY),
    "behavior": st.sampled_from(BEHAVIORS),
}


@MANY
@given(**stories, last=steps, resets=st.booleans(), priced=st.booleans())
def test_a_change_is_billed_as_it_was_shown(
    worlds: Worlds,
    terms: Terms,
    story: list[Step],
    wait: int,
    behavior: str,
    last: Step,
    resets: bool,
    priced: bool,
) -> None:
    stage = on_terms(worlds, terms, story, wait)
    item = {
        "id": stage.item,
        "price": stage.prices[last.price] if priced else None,
        "quantity": last.quantity,
    }
    details: dict[str, Any] = {"items": [item], "proration_behavior": behavior}
    if resets:
        details["billing_cycle_anchor"] = {"type": "now"}
    stage.billed(details, lambda: stage.plan.update(**details))


@MANY
@given(**stories)
def test_an_end_is_billed_as_it_was_shown(
    worlds: Worlds, terms: Terms, story: list[Step], wait: int, behavior: str
) -> None:
    stage = on_terms(worlds, terms, story, wait)
    details = {"cancel_now": True, "proration_behavior": behavior}
    prorate = behavior != "none"
    stage.billed(details, lambda: stage.plan.cancels(invoice_now=True, prorate=prorate))


@MANY
@given(**stories, days=st.integers(1, 60), after=st.integers(0, 70 * DAY))
def test_a_trial_and_its_end_are_billed_as_they_were_shown(
    worlds: Worlds, terms: Terms, story: list[Step], wait: int, behavior: str, days: int, after: int
) -> None:
    stage = on_terms(worlds, terms, story, wait)
    until = int((stage.now + timedelta(days=days)).timestamp())
    details: dict[str, Any] = {"trial_end": until, "proration_behavior": behavior}
    stage.billed(details, lambda: stage.plan.update(**details))
    stage.wait(after)
    if stage.plan.status == "trialing":
        ended: dict[str, Any] = {"trial_end": "now", "proration_behavior": behavior}
        stage.billed(ended, lambda: stage.plan.update(**ended))
    else:
        stage.billed({}, lambda: None)


@MANY
@given(
    **stories,
    rest=st.integers(0, 50 * DAY),
    anchor=st.sampled_from(["now", "unchanged"]),
    invoicing=st.sampled_from(["invoice", "pending_invoice_item"]),
)
def test_a_pause_and_what_follows_are_billed_as_they_were_shown(
    worlds: Worlds,
    terms: Terms,
    story: list[Step],
    wait: int,
    behavior: str,
    rest: int,
    anchor: str,
    invoicing: str,
) -> None:
    assume(terms.mode == "flexible")
    stage = on_terms(worlds, terms, story, wait)
    pause: dict[str, Any] = {"invoicing_behavior": invoicing}
    path = f"/v1/subscriptions/{stage.plan.id}"
    stage.billed({"pause": pause}, lambda: stage.world.post(f"{path}/pause", **pause))
    stage.wait(rest)
    how: dict[str, Any] = {"billing_cycle_anchor": {"type": anchor}, "proration_behavior": behavior}
    stage.billed({"resume_at": "now", **how}, lambda: stage.world.post(f"{path}/resume", **how))


@MANY
@given(**stories, end=st.integers(1, 60 * DAY), at_period_end=st.booleans())
def test_a_planned_end_is_billed_as_it_was_shown(
    worlds: Worlds, terms: Terms, story: list[Step], wait: int, behavior: str, end: int, at_period_end: bool
) -> None:
    stage = on_terms(worlds, terms, story, wait)
    until = int((stage.now + timedelta(seconds=end)).timestamp())
    planned: dict[str, Any] = {"cancel_at_period_end": True} if at_period_end else {"cancel_at": until}
    details = {**planned, "proration_behavior": behavior}
    stage.billed(details, lambda: stage.plan.update(**details))
