"""Is a row what its noun declares, and are the functions that show it those that a person would write?"""

import pytest

from billow.api import compiled
from billow.api.resource import EPOCH, REGISTRY
from billow.app import App
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine


def test_a_row_gives_back_each_of_its_columns(app: App) -> None:
    for cls in REGISTRY.values():
        row = cls(*range(len(cls.columns)))
        assert [getattr(row, name) for name in cls.columns] == list(range(len(cls.columns))), cls


def test_a_row_cannot_be_changed_and_a_changed_copy_has_the_rest() -> None:
    row = Invoice(id="in_1", customer="cus_1")
    with pytest.raises(AttributeError):
        row.customer = "cus_2"
    other = row.but(customer="cus_2")
    assert (other.id, other.customer, row.customer) == ("in_1", "cus_2", "cus_1")
    assert other != row
    assert other.but(customer="cus_1") == row
    with pytest.raises(TypeError):
        row.but(costumer="cus_2")


def test_rows_share_no_default() -> None:
    assert Invoice().metadata is not Invoice().metadata


def test_the_functions_of_a_noun_can_be_read() -> None:
    text = compiled.source(InvoiceLine, frozenset())
    assert '\n        "amount": row.amount,\n' in text
    assert '\n        "quantity_decimal": as_decimal(row.quantity_decimal),\n' in text
    assert '\n    shown["period"] = compute_period(row, now, shown)\n' in text


def test_what_is_left_out_by_default_is_shown_when_it_is_included() -> None:
    row = Invoice(id="in_1", created=EPOCH)
    for included in (frozenset[str](), frozenset({"confirmation_secret"})):
        show, compute = compiled.functions(Invoice, included)
        view = show(row, False)
        compute(row.but(amount_due=5, payment_secret="s"), EPOCH, view)
        assert list(view)[:2] == ["id", "object"]
        assert list(view)[2:] == sorted(list(view)[2:])
        assert ("confirmation_secret" in view) == bool(included)
        assert (view["created"], view["amount_remaining"]) == (0, 5)
