"""US bank accounts: ACH debits in dollars, verified by micro-deposits or at once, and paid days later."""

from billow.api import fields as f
from billow.api.fields import CREATE
from billow.api.params import Params
from billow.resources.payment_method_types.method_type import MethodType


class Given(Params):
    account_holder_type: str | None = f.choice(CREATE, "company", "individual", default="individual")
    account_number: str | None = f.text(max=30)
    account_type: str | None = f.choice(CREATE, "checking", "savings", default="checking")
    financial_connections_account: str | None = f.text()
    routing_number: str | None = f.text(max=9)


TYPE = MethodType(
    "us_bank_account",
    Given,
    number="account_number",
    shown={
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": None,
        "financial_connections_account": None,
        "fingerprint": None,
        "last4": None,
        "networks": {"preferred": "ach", "supported": ["ach"]},
        "routing_number": None,
        "status_details": {},
    },
    currencies=("usd",),
    delayed=True,
    reusable=True,
    mandate={},
    options={"verification_method": "automatic"},
    setup_options={"verification_method": "automatic"},
)
