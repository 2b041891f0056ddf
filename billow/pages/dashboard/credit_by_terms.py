"""Refuse an act on a subscription that gives money back, where it takes another right or a second person."""

from billow.api import rows
from billow.core import roles
from billow.core.errors import Refused
from billow.flows.approvals import approvals, given_by_terms
from billow.flows.previews import given_back
from billow.flows.previews.outcomes import Outcome
from billow.pages.dashboard import layout
from billow.pages.dashboard.subscription_plans import Plan
from billow.pages.dashboard.visit import Visit
from billow.resources.coupon import Coupon
from billow.resources.subscription import Subscription
from billow.store.tx import Tx


def check(tx: Tx, visit: Visit, one: Subscription, plan: Plan, outcome: Outcome) -> None:
    """Refuse an outcome that gives back what this person may not give, or not alone."""
    given = given_back.given(tx, one, outcome, plan.lets_go)
    if not given and not plan.lets_go:
        return
    amount = layout.amount(given, outcome.currency).text
    what = "Invoices would be let go" if plan.lets_go else f"{amount} would be given back"
    require_right(visit, what)
    if given_by_terms.is_needed(tx, one, given, outcome.currency):
        instead = (
            "Keep them as drafts: to void one asks somebody else"
            if plan.lets_go
            else "Give nothing back here, and make a credit note, which somebody else agrees to"
        )
        raise Refused(f"{what}, which is above the limit for one person. {instead}.")


def check_code(tx: Tx, visit: Visit, text: str) -> None:
    """Refuse a coupon by somebody who may give nothing away; a promotion code customers type themselves."""
    if text and text in rows.find_many(tx, Coupon, [text]):
        require_right(visit, f"The coupon {text[:50]} would be given without a promotion code")


def require_right(visit: Visit, what: str) -> None:
    if not visit.may(approvals.RIGHT):
        who = ", ".join(role.replace("_", "-") for role in roles.having(approvals.RIGHT, visit.mode))
        raise Refused(f"{what}, which takes the right {approvals.RIGHT}. It is for: {who}.")
