"""Are direct debits collected on the right day, and what do returns mean?"""

from datetime import date

import pytest

from billow.core.bank import direct_debit as d
from billow.core.dunning import hard_decline


@pytest.mark.parametrize(
    ("noticed", "notice", "today", "expected"),
    [
        (date(2026, 3, 2), 14, date(2026, 3, 2), date(2026, 3, 16)),
        (date(2026, 3, 20), 14, date(2026, 3, 20), date(2026, 4, 7)),  # Good Friday: after Easter
        (date(2026, 3, 2), 1, date(2026, 3, 2), date(2026, 3, 3)),
        (date(2026, 3, 2), 14, date(2026, 3, 18), date(2026, 3, 19)),  # the export came late
        (date(2026, 3, 2), 1, date(2026, 3, 6), date(2026, 3, 9)),  # over a weekend
    ],
)
def test_a_debit_is_collected_after_its_notice_and_on_a_bank_day(noticed, notice, today, expected):
    assert d.collect_on(noticed, notice, today) == expected


def test_a_debit_is_due_for_export_some_bank_days_before_its_day():
    noticed = date(2026, 3, 2)  # to be collected on the 16th
    assert not d.is_due(noticed, 14, date(2026, 3, 12), 0)
    assert d.is_due(noticed, 14, date(2026, 3, 13), 0)
    assert d.is_due(noticed, 14, date(2026, 3, 11), 2)


@pytest.mark.parametrize(
    ("reason", "code", "hard"),
    [
        ("AM04", "insufficient_funds", False),
        ("AC04", "account_closed", True),
        ("MD01", "debit_not_authorized", True),
        ("MD06", "refer_to_customer", True),
        ("MS03", "generic_could_not_process", False),
        ("XX99", "generic_could_not_process", False),
        (None, "generic_could_not_process", False),
    ],
)
def test_the_banks_reason_says_whether_a_retry_can_help(reason, code, hard):
    outcome = d.decline_of(reason)
    assert (outcome.code, outcome.decline_code, outcome.retry) == (code, code, not hard)
    assert hard_decline(outcome.code, outcome.decline_code) is hard


def test_every_return_has_a_message():
    assert {code for code, _ in d.RETURNS.values()} == set(d.SAID)


def test_creditors_and_accounts_are_checked():
    assert d.is_creditor_id("DE98ZZZ09999999999") and not d.is_creditor_id("DE97ZZZ09999999999")
    assert d.is_debitable("NL91ABNA0417164300") and not d.is_debitable("NL92ABNA0417164300")
    assert not d.is_debitable("BR1800360305000010009795493C1"), "valid, and not in SEPA"
    assert d.mandate_reference("pm_8DziYbLUBbG83HSTjofpqV1w") == "pm-8DziYbLUBbG83HSTjofpqV1w"
