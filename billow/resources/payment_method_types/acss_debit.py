"""Canadian pre-authorized debits: a bank account, a mandate, and days until the money is there."""

from billow.api import fields as f
from billow.api.params import Params
from billow.resources.payment_method_types.method_type import MethodType


class Given(Params):
    account_number: str = f.text(max=30, required=True)
    institution_number: str = f.text(max=3, required=True)
    transit_number: str = f.text(max=5, required=True)


TYPE = MethodType(
    "acss_debit",
    Given,
    number="account_number",
    shown={
        "bank_name": None,
        "fingerprint": None,
        "institution_number": None,
        "last4": None,
        "transit_number": None,
    },
    currencies=("cad", "usd"),
    delayed=True,
    reusable=True,
    mandate={"interval_description": None, "payment_schedule": "sporadic", "transaction_type": "personal"},
)
