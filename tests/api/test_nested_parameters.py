"""Does an example contain every nested parameter, unless it is refused?

test_every_parameter.py tests that the examples have an effect.
"""

import re
from typing import Any

import pytest

from billow.api.fields import Field
from billow.api.params import PARSERS, specs
from billow.api.resource import Verb
from tests.api.test_every_parameter import CASES, Case, at, honoured, maker, named
from tests.support.one_of_each import Maker, Sent, form, without
from tests.support.valid_subscription_params import ALSO, ITEM, PLANNED, SUB

__all__ = ["maker"]  # a fixture
NESTED = [
    (verb, name) for verb, name in CASES if f"{verb.path}/".startswith((f"{SUB}/", f"{ITEM}/", f"{PLANNED}/"))
]
#: What can be said, and is refused: there are no other accounts, and only discounts that one has are named.
REFUSED: dict[str, Sent] = {
    "discounts.discount": {"discount": "di_none"},
    "issuer.account": {"type": "account", "account": "acct_1"},
    "liability.account": {"type": "account", "account": "acct_1"},
}


def within(spec: Field) -> dict[str, Field]:
    """What can be sent within a parameter."""
    shape = spec.shape or (spec.item and spec.item.shape)
    return {name: part for name, part in specs(shape).items() if part.kind in PARSERS} if shape else {}


def declared(spec: Field, at: str) -> set[str]:
    """A parameter and all within it: `items`, `items.price`."""
    return {at}.union(*(declared(part, f"{at}.{name}") for name, part in within(spec).items()))


def said(value: Any, at: str) -> set[str]:
    if isinstance(value, dict):
        return {at}.union(*(said(part, f"{at}.{name}") for name, part in value.items()))
    return {at}.union(*(said(part, at) for part in value)) if isinstance(value, list) else {at}


def unsaid(case: Case) -> set[str]:
    """What none of the examples of a parameter says."""
    told = said(case.value, case.name)
    if case.key in ALSO:
        told |= said(Case(case.maker, case.verb, case.name, ALSO).value, case.name)
    return declared(case.spec, case.name) - told


@pytest.mark.parametrize(("verb", "name"), NESTED, ids=named)
def test_the_examples_say_everything_that_can_be_said(maker: Maker, verb: Verb, name: str) -> None:
    case = Case(maker, verb, name)
    left = unsaid(case)
    assert {path for path in left if not path.endswith(tuple(REFUSED))} == set()
    for path in left:
        refused(case, path)


def refused(case: Case, path: str) -> None:
    """Asked for something else with this within it, nothing is done, and the answer names what is wrong."""
    *outer, parent, _ = path.split(".")
    value: Any = REFUSED[".".join(path.split(".")[-2:])]
    for name in reversed([*outer, parent]):
        value = {name: [value] if name in ("discounts", "items", "phases", "add_invoice_items") else value}
    sent = {**without(case.base, case.name), **form(whole(case, value[case.name]), case.name)}
    answer = case.maker.send(case.path, sent, case.verb.method)
    found = re.sub(r"\[\d+\]", "", answer["error"]["param"]).replace("][", ".").replace("[", ".").strip("]")
    assert answer.status == 400 and found.startswith(path.rsplit(".", 1)[0]), answer


def whole(case: Case, value: Any, like: Any = None) -> Any:
    """What is wrong, with the rest of the example around it, as the first of a list."""
    like = case.value if like is None else like
    if isinstance(value, list) and isinstance(like, list):
        [first] = value
        return [whole(case, first, like[0]), *like[1:]] if set(first) <= set(like[0]) else value
    if isinstance(value, dict) and isinstance(like, dict):
        return {**like, **{name: whole(case, part, like.get(name, part)) for name, part in value.items()}}
    return value


@pytest.mark.parametrize(
    ("verb", "name"), [case for case in NESTED if (at(case[0]), case[1]) in ALSO], ids=named
)
def test_a_further_example_is_honoured(maker: Maker, verb: Verb, name: str) -> None:
    honoured(Case(maker, verb, name, ALSO))


def test_an_example_that_leaves_something_out_is_found(maker: Maker) -> None:
    verb = next(verb for verb, name in NESTED if at(verb) == SUB and name == "trial_settings")
    case = Case(maker, verb, "trial_settings", {(SUB, "trial_settings"): {"end_behavior": {}}})
    assert unsaid(case) == {
        "trial_settings.end_behavior.billing_cycle_anchor",
        "trial_settings.end_behavior.missing_payment_method",
    }
