"""Bank accounts of New Zealand: direct debits, with a mandate and days until the money is there."""

from billow.api import fields as f
from billow.api.params import Params
from billow.resources.payment_method_types.method_type import MethodType


class Given(Params):
    account_holder_name: str | None = f.line()
    account_number: str = f.text(max=30, required=True)
    bank_code: str = f.text(max=2, required=True)
    branch_code: str = f.text(max=4, required=True)
    reference: str | None = f.line()
    suffix: str = f.text(max=3, required=True)


TYPE = MethodType(
    "nz_bank_account",
    Given,
    number="account_number",
    shown={
        "account_holder_name": None,
        "bank_code": "",
        "bank_name": "",
        "branch_code": "",
        "last4": "",
        "suffix": None,
    },
    currencies=("nzd",),
    delayed=True,
    reusable=True,
    mandate={},
)
