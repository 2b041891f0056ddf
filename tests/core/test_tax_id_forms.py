"""Is it said how a tax id is written, and is what is said what is taken?"""

import pytest

from billow.core.tax_id_forms import EXAMPLES, digits, form
from billow.core.tax_ids import SHAPES, has_shape


@pytest.mark.parametrize("type", sorted(SHAPES))
def test_each_type_with_a_shape_says_its_form_and_takes_it(type: str) -> None:
    assert form(type)
    for example in EXAMPLES.get(type, "").split(" or "):
        assert not example or has_shape(type, example), (type, example)
    for count in digits(SHAPES[type]):
        assert type in EXAMPLES or has_shape(type, "1" * count), (type, count)
    few = digits(SHAPES[type])
    assert not few or not has_shape(type, "1" * (max(few) + 1))


@pytest.mark.parametrize(
    ("type", "said"),
    [
        ("de_stn", "It has 10 or 11 digits, as 12/345/67890, without the digits that make it 13 for ELSTER."),
        ("pe_ruc", "It has 11 digits."),
        ("vn_tin", "It has 10, 12 or 13 digits."),
        ("py_ruc", "It has 5 to 9 digits."),
        ("eu_vat", "It is written as DE123456789."),
        ("zw_tin", ""),
    ],
)
def test_the_words(type: str, said: str) -> None:
    assert form(type) == said
