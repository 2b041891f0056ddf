"""Przelewy24: the customer confirms with a Polish bank."""

from billow.api import fields as f
from billow.api.fields import CREATE
from billow.api.params import Params
from billow.resources.payment_method_types.method_type import MethodType

BANKS = (
    "alior_bank", "bank_millennium", "bank_nowy_bfg_sa", "bank_pekao_sa", "banki_spbdzielcze", "blik",
    "bnp_paribas", "boz", "citi_handlowy", "credit_agricole", "envelobank", "etransfer_pocztowy24",
    "getin_bank", "ideabank", "ing", "inteligo", "mbank_mtransfer", "nest_przelew", "noble_pay",
    "pbac_z_ipko", "plus_bank", "santander_przelew24", "tmobile_usbugi_bankowe", "toyota_bank", "velobank",
    "volkswagen_bank",
)  # fmt: skip


class Given(Params):
    bank: str | None = f.choice(CREATE, *BANKS)


TYPE = MethodType("p24", Given, shown={"bank": None}, currencies=("eur", "pln"), redirects=True)
