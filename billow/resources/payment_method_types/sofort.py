"""Sofort: the customer confirms with a bank of the euro area, and the money arrives days later."""

from billow.api import fields as f
from billow.api.fields import CREATE
from billow.api.params import Params
from billow.resources.payment_method_types.method_type import MethodType


class Given(Params):
    country: str = f.choice(CREATE, "AT", "BE", "DE", "ES", "IT", "NL", required=True)


TYPE = MethodType(
    "sofort", Given, shown={"country": None}, currencies=("eur",), delayed=True, redirects=True, reusable=True
)
