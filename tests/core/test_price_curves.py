"""A curve of a price meets each edge of a tier, and cliffs are where one unit more costs less."""

from decimal import Decimal

from billow.core import price_curves, pricing
from billow.core.price_curves import Cliff
from billow.core.pricing import Price, Tier

TIERS = (Tier(Decimal(1000), Decimal(10)), Tier(Decimal(2000), Decimal(5)), Tier(None, Decimal(5)))
VOLUME = Price("volume", "usd", tiers=TIERS)
GRADUATED = Price("graduated", "usd", tiers=TIERS)


def test_a_cliff_is_where_one_unit_more_costs_less() -> None:
    assert price_curves.cliffs(VOLUME) == [Cliff(Decimal(1000), 10_000, 5_005)]
    assert price_curves.cliffs(GRADUATED) == []
    assert price_curves.cliffs(Price("per_unit", "usd", Decimal(7))) == []


def test_a_curve_has_both_sides_of_each_edge() -> None:
    most = price_curves.furthest(VOLUME)
    found = dict(price_curves.points(VOLUME, most))
    assert most == 3000 and {0, 1000, 1001, 2000, 2001, 3000} <= set(found)
    assert all(amount == pricing.amount(VOLUME, quantity) for quantity, amount in found.items())
    assert list(found) == sorted(found)


def test_without_tiers_a_curve_ends_after_ten() -> None:
    assert price_curves.furthest(Price("per_unit", "usd", Decimal(7))) == 10
    package = Price("package", "usd", Decimal(500), divide_by=100)
    assert price_curves.furthest(package) == 1000
    assert price_curves.points(package, Decimal(1000))[-1] == (Decimal(1000), 5000)
