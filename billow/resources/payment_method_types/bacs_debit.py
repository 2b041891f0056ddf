"""British direct debits (Bacs): a sort code and an account, a mandate, and days until the money is there."""

from billow.api import fields as f
from billow.api.params import Params
from billow.resources.payment_method_types.method_type import MethodType


class Given(Params):
    account_number: str | None = f.text(max=30)
    sort_code: str | None = f.text(max=8)


TYPE = MethodType(
    "bacs_debit",
    Given,
    number="account_number",
    shown={"fingerprint": None, "last4": None, "sort_code": None},
    currencies=("gbp",),
    delayed=True,
    reusable=True,
    mandate={
        "display_name": None,
        "network_status": "accepted",
        "reference": "",
        "revocation_reason": None,
        "service_user_number": None,
        "url": "",
    },
)
