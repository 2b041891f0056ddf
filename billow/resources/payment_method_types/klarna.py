"""Klarna: the customer pays now, later or in parts."""

from billow.api import fields as f
from billow.api.params import Params
from billow.resources.payment_method_types.method_type import MethodType


class Birthday(Params):
    day: int = f.integer(min=1, max=31, required=True)
    month: int = f.integer(min=1, max=12, required=True)
    year: int = f.integer(min=1900, max=2100, required=True)


class Given(Params):
    dob: Birthday | None = f.nested(shape=Birthday)


TYPE = MethodType(
    "klarna",
    Given,
    shown={"dob": None},
    currencies=("aud", "cad", "chf", "czk", "dkk", "eur", "gbp", "nok", "nzd", "pln", "ron", "sek", "usd"),
    redirects=True,
    reusable=True,
    mandate={},
    options={"preferred_locale": None},
)
