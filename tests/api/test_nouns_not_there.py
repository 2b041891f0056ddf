"""Is every noun of the official library there, or on the page of those that are not?"""

import re

from stripe._object_classes import OBJECT_CLASSES, V2_OBJECT_CLASSES

from billow.api.resource import REGISTRY
from tests.test_tidy import ROOT

PAGE = (ROOT / "docs/reference/nouns_not_there.md").read_text()
THEIRS = set(OBJECT_CLASSES) | set(V2_OBJECT_CLASSES)


def ours() -> set[str]:
    """Nouns with a table, and those that are put together for an answer."""
    code = "\n".join(path.read_text() for path in (ROOT / "billow").rglob("*.py"))
    return set(REGISTRY) | set(re.findall(r'"object": "([^"]+)"', code))


def listed(page: str) -> list[str]:
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    return [noun for row in rows for noun in re.findall(r"`([^`]+)`", row.split(" | ")[1])]


def test_a_noun_is_there_or_on_the_page_of_those_that_are_not() -> None:
    page = listed(PAGE)
    assert len(page) == len(set(page)) and set(page) == THEIRS - ours()


def test_a_noun_that_is_there_does_not_stand_on_the_page() -> None:
    planted = listed(PAGE + "\n| planted | `customer`, `unheard_of` |\n")
    assert set(planted) - (THEIRS - ours()) == {"customer", "unheard_of"}


def test_the_nouns_that_are_not_stripes_are_named() -> None:
    """Of those that are kept and never shown nobody needs to know."""
    named = set(re.findall(r"`([^`]+)`", PAGE.split("## Not Stripe's")[1]))
    kept = {"api_request", "attempt", "billing_period", "ledger_transfer", "method_collection"}
    kept |= {"bank_application", "bank_entry", "bank_statement", "sepa_batch", "sepa_collection"}
    assert named | kept == ours() - THEIRS
