"""Feedback options: reasons of the seller's own, from which customers choose when they cancel."""

from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN, WRITE, seconds
from billow.api.resource import Resource
from billow.core.errors import require
from billow.store.tx import Tx


class FeedbackOption(
    Resource,
    object="billing.feedback_option",
    path="/v1/billing/feedback_options",
    prefix="fbo_",
    table="feedback_options",
    events=(),
):
    """A reason that customers can choose when they cancel a subscription in the billing portal."""

    lacks = ("created",)

    description: str = f.line(WRITE, max=100, required=True)
    status: str = f.choice(SHOWN, "active", "inactive", default="active", filter=True)
    status_transitions: dict[str, int | None] = f.nested(default={"deactivated_at": None})


@FeedbackOption.create
def create(tx: Tx, option: FeedbackOption) -> FeedbackOption:
    """Create a feedback option."""
    return rows.insert(tx, option)


@FeedbackOption.update
def update(tx: Tx, option: FeedbackOption, changes: dict[str, Any]) -> FeedbackOption:
    """Update the text of a feedback option; reasons that were given before show the new text."""
    return rows.update(tx, option, **changes)


@FeedbackOption.action("deactivate")
def deactivate(tx: Tx, option: FeedbackOption) -> FeedbackOption:
    """Deactivate a feedback option: it is not offered any more; subscriptions keep it."""
    require(
        option.status == "active",
        "This feedback option is already inactive.",
        code="status_transition_invalid",
    )
    return rows.update(tx, option, status="inactive", status_transitions={"deactivated_at": seconds(tx.now)})


def check(tx: Tx, ids: list[str], param: str) -> None:
    """Refuse options that are not there, or that are inactive."""
    for place, id in enumerate(ids):
        found = rows.find(tx, FeedbackOption, id, param=f"{param}[{place}]")
        require(found.status == "active", f"The feedback option {id} is inactive.", param=f"{param}[{place}]")
