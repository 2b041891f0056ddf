"""SEPA direct debits: an IBAN in the euro area, a mandate, and days until the money is there."""

from billow.api import fields as f
from billow.api.params import Params
from billow.resources.payment_method_types.method_type import MethodType


class Given(Params):
    iban: str = f.text(max=50, required=True)


TYPE = MethodType(
    "sepa_debit",
    Given,
    number="iban",
    shown={
        "bank_code": None,
        "branch_code": None,
        "country": None,
        "fingerprint": None,
        "generated_from": {"charge": None, "setup_attempt": None},
        "last4": None,
    },
    currencies=("eur",),
    delayed=True,
    reusable=True,
    mandate={"reference": "", "url": ""},
)
