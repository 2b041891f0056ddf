"""Are at least 95 of 100 payments on a statement of a thousand matched, and none of them wrongly?"""

import pytest

from billow.core.bank import matching
from billow.core.bank import statement as core
from billow.core.bank.matching import Known
from billow.providers.bank import camt053
from tests.support.bank_statements import statement
from tests.support.payers import NOBODY_KNOWS, Crowd, crowd

COUNT = 1000


def matched(made: Crowd, version: str) -> tuple[int, list[str]]:
    """How many payments were matched, and which of them wrongly, one after the other as an import does it."""
    [found] = camt053.read(statement(made.bookings(), version=version))
    core.check(found)
    known: Known = made.known()
    count, wrong = 0, []
    for entry in found.entries:
        decided = matching.match(entry, known)
        known = matching.after(known, decided)
        truth = made.truth[entry.bank_reference or ""]
        if decided.rule is None:
            continue
        count += 1
        if [part.invoice for part in decided.parts] != [truth]:
            wrong.append(f"{entry.bank_reference}: {decided} for {truth}")
    return count, wrong


@pytest.mark.parametrize(("seed", "version"), [(1, "08"), (2, "02"), (3, "08"), (4, "02"), (5, "08")])
def test_a_thousand_payments(seed, version):
    count, wrong = matched(crowd(seed, COUNT), version)
    print(f"seed {seed}: {count} of {COUNT} payments matched, {len(wrong)} wrongly")
    assert wrong == [] and count >= COUNT * 95 // 100


def test_a_wrong_match_would_be_found():
    """The check itself: a payer whose reference leads to another invoice is seen."""
    made = crowd(1, 50)
    made.payers[0].number, made.payers[1].number = made.payers[1].number, made.payers[0].number
    right = made.known()
    made.payers[0].number, made.payers[1].number = made.payers[1].number, made.payers[0].number
    made.known = lambda: right  # type: ignore[method-assign]
    assert matched(made, "08")[1] != [] and NOBODY_KNOWS
