"""Is what is open without its tax rounded, whatever the rate?"""

from billow.core import allowance


def test_a_share_of_a_tax_that_does_not_divide_is_rounded() -> None:
    assert allowance.share(190, 500, 1190) == 80  # 79.83
    assert allowance.without_tax(500, 1190, 190) == 420
    assert allowance.share(2500, 6250, 12500) == 1250
