"""EPS: the customer confirms with an Austrian bank."""

from billow.api import fields as f
from billow.api.fields import CREATE
from billow.api.params import Params
from billow.resources.payment_method_types.method_type import MethodType

BANKS = (
    "arzte_und_apotheker_bank", "austrian_anadi_bank_ag", "bank_austria", "bankhaus_carl_spangler",
    "bankhaus_schelhammer_und_schattera_ag", "bawag_psk_ag", "bks_bank_ag", "brull_kallmus_bank_ag",
    "btv_vier_lander_bank", "capital_bank_grawe_gruppe_ag", "deutsche_bank_ag", "dolomitenbank",
    "easybank_ag", "erste_bank_und_sparkassen", "hypo_alpeadriabank_international_ag",
    "hypo_bank_burgenland_aktiengesellschaft", "hypo_noe_lb_fur_niederosterreich_u_wien",
    "hypo_oberosterreich_salzburg_steiermark", "hypo_tirol_bank_ag", "hypo_vorarlberg_bank_ag",
    "marchfelder_bank", "oberbank_ag", "raiffeisen_bankengruppe_osterreich", "schoellerbank_ag",
    "sparda_bank_wien", "volksbank_gruppe", "volkskreditbank_ag", "vr_bank_braunau",
)  # fmt: skip


class Given(Params):
    bank: str | None = f.choice(CREATE, *BANKS)


TYPE = MethodType("eps", Given, shown={"bank": None}, currencies=("eur",), redirects=True)
