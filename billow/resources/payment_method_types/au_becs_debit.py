"""Australian direct debits (BECS): a BSB and an account, a mandate, and days until the money is there."""

from billow.api import fields as f
from billow.api.params import Params
from billow.resources.payment_method_types.method_type import MethodType


class Given(Params):
    account_number: str = f.text(max=30, required=True)
    bsb_number: str = f.text(max=7, required=True)


TYPE = MethodType(
    "au_becs_debit",
    Given,
    number="account_number",
    shown={"bsb_number": None, "fingerprint": None, "last4": None},
    currencies=("aud",),
    delayed=True,
    reusable=True,
    mandate={"url": ""},
)
