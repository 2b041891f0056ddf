"""iDEAL: the customer confirms with a Dutch bank."""

from billow.api import fields as f
from billow.api.fields import CREATE
from billow.api.params import Params
from billow.resources.payment_method_types.method_type import MethodType

#: The banks, each with its BIC.
BANKS = {
    "abn_amro": "ABNANL2A", "adyen": "ADYBNL2A", "asn_bank": "ASNBNL21", "bunq": "BUNQNL2A",
    "buut": "BUUTNL2A", "finom": "FNOMNL22", "handelsbanken": "HANDNL2A", "ing": "INGBNL2A",
    "knab": "KNABNL2H", "mollie": "MLLENL2A", "moneyou": "MOYONL21", "n26": "NTSBDEB1",
    "nn": "NNBANL2G", "rabobank": "RABONL2U", "regiobank": "RBRBNL21", "revolut": "REVOLT21",
    "sns_bank": "SNSBNL2A", "triodos_bank": "TRIONL2U", "van_lanschot": "FVLBNL22",
    "yoursafe": "BITSNL2A",
}  # fmt: skip


class Given(Params):
    bank: str | None = f.choice(CREATE, *BANKS)


TYPE = MethodType(
    "ideal", Given, shown={"bank": None, "bic": None}, currencies=("eur",), redirects=True, reusable=True
)
