"""FPX: the customer confirms with a Malaysian bank."""

from billow.api import fields as f
from billow.api.fields import CREATE
from billow.api.params import Params
from billow.resources.payment_method_types.method_type import MethodType

BANKS = (
    "affin_bank", "agrobank", "alliance_bank", "ambank", "bank_islam", "bank_muamalat", "bank_of_china",
    "bank_rakyat", "bnp_paribas", "bsn", "cimb", "citibank", "deutsche_bank", "hong_leong_bank", "hsbc",
    "kfh", "maybank2e", "maybank2u", "mbsb_bank", "ocbc", "pb_enterprise", "public_bank", "rhb",
    "standard_chartered", "uob",
)  # fmt: skip


class Given(Params):
    account_holder_type: str | None = f.choice(CREATE, "company", "individual")
    bank: str = f.choice(CREATE, *BANKS, required=True)


TYPE = MethodType(
    "fpx", Given, shown={"account_holder_type": None, "bank": None}, currencies=("myr",), redirects=True
)
