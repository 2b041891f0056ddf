"""Boleto: a voucher that is paid in cash or at a Brazilian bank."""

from billow.api import fields as f
from billow.api.params import Params
from billow.resources.payment_method_types.method_type import MethodType


class Given(Params):
    tax_id: str = f.line(max=20, required=True)


TYPE = MethodType("boleto", Given, shown={"tax_id": None}, currencies=("brl",), delayed=True, reusable=True)
