"""Do payments in euros fall on the days on which banks move them?"""

from datetime import date, timedelta

from billow.core.bank import target_days as t

CLOSED_2026 = [(1, 1), (4, 3), (4, 6), (5, 1), (12, 25), (12, 26)]


def test_target_is_closed_on_six_days_of_the_year_and_on_weekends():
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    closed = [(day.month, day.day) for day in days if day.weekday() < 5 and not t.is_target_day(day)]
    assert closed == [each for each in CLOSED_2026 if date(2026, *each).weekday() < 5]
    assert not any(t.is_target_day(day) for day in days if day.weekday() > 4)


def test_a_payment_is_moved_to_the_next_open_day():
    assert t.on_or_after(date(2026, 12, 25)) == date(2026, 12, 28)
    assert t.on_or_after(date(2026, 4, 3)) == date(2026, 4, 7), "Easter"
    assert t.on_or_after(date(2026, 4, 7)) == date(2026, 4, 7)


def test_lead_time_counts_open_days_only():
    assert t.days_after(date(2026, 4, 2), 1) == date(2026, 4, 7)
    assert t.days_after(date(2026, 4, 3), 2) == date(2026, 4, 8)
    assert t.days_after(date(2026, 4, 4), 0) == date(2026, 4, 7)
