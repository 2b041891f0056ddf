"""Check tax ids: by their shape when they are taken, by their check digits when they are verified.

A number that was mistyped looks like one that is right, and so is taken; whether it exists, and whose it is,
only a register can say.
"""

import re
from collections.abc import Callable

from stdnum import exceptions
from stdnum.ad import nrt
from stdnum.ar import cuit
from stdnum.au import abn, acn
from stdnum.az import voen
from stdnum.br import cnpj, cpf
from stdnum.by import unp
from stdnum.ca import bn
from stdnum.ch import uid
from stdnum.ch import vat as ch_vat
from stdnum.cl import rut as cl_rut
from stdnum.cn import uscc
from stdnum.co import nit
from stdnum.cz import dic
from stdnum.do import cedula, rnc
from stdnum.ec import ruc as ec_ruc
from stdnum.es import nif as es_nif
from stdnum.eu import oss
from stdnum.eu import vat as eu_vat
from stdnum.fr import siren, siret
from stdnum.gb import vat as gb_vat
from stdnum.hr import oib
from stdnum.in_ import gstin
from stdnum.it import codicefiscale
from stdnum.jp import cn as jp_cn
from stdnum.kr import brn
from stdnum.me import pib as me_pib
from stdnum.mx import rfc
from stdnum.no import mva
from stdnum.nz import ird
from stdnum.pe import ruc as pe_ruc
from stdnum.pl import nip
from stdnum.pt import nif as pt_nif
from stdnum.py import ruc as py_ruc
from stdnum.rs import pib as rs_pib
from stdnum.ru import inn
from stdnum.sg import uen
from stdnum.si import ddv
from stdnum.sm import coe
from stdnum.tr import tckimlik, vkn
from stdnum.tw import ubn
from stdnum.us import ein
from stdnum.uy import rut as uy_rut
from stdnum.ve import rif
from stdnum.vn import mst

_TYPES = """
    ad_nrt ae_trn al_tin am_tin ao_tin ar_cuit au_abn au_acn au_arn au_wpn aw_tin az_tin ba_tin bb_tin
    bd_bin bf_ifu bg_uic bh_vat bj_ifu bo_tin br_cnpj br_cpf bs_tin bw_vat by_tin ca_bn ca_gst_hst
    ca_pst_bc ca_pst_mb ca_pst_sk ca_qst cd_nif ch_uid ch_vat ci_vat cl_tin cm_niu cn_tin co_nit cr_tin
    cv_nif cz_dic de_stn do_rcn ec_ruc eg_tin es_cif et_tin eu_oss_vat eu_vat fo_vat fr_siren fr_siret
    fr_spi gb_vat ge_vat gh_tin gi_tin gn_nif hk_br hr_oib hu_tin ic_nif id_npwp il_vat in_gst is_kt
    is_vat it_cf jp_cn jp_rn jp_trn ke_pin kg_tin kh_tin kr_brn kz_bin la_tin li_uid li_vat lk_vat
    ma_vat md_cf md_vat me_pib mk_vat mr_nif mu_vat mx_rfc my_frp my_itn my_sst mz_nuit ng_tin no_vat
    no_voec np_pan nz_bn nz_gst om_vat pe_ruc ph_tin pl_nip pt_nif py_ruc ro_tin rs_pib ru_inn ru_kpp
    sa_vat sg_gst sg_uen si_tin sm_coe sn_ninea sr_fin sv_nit th_vat tj_tin tr_tin tt_bir tt_vat tw_vat
    tz_vat ua_vat ug_tin us_ein uy_ruc uz_tin uz_vat ve_rif vn_tin za_vat zm_tin zw_tin
"""
TYPES = tuple(_TYPES.split())


def _either(*checks: Callable[[str], str]) -> Callable[[str], str]:
    """Return a check that is passed by what passes one of several, as companies and persons have numbers."""

    def check(value: str) -> str:
        for one in checks[:-1]:
            try:
                return one(value)
            except exceptions.ValidationError:
                continue
        return checks[-1](value)

    return check


def _vietnamese(value: str) -> str:
    """Check the number of a company; that of a person has 12 digits, and none of them is a check digit."""
    return value if len(compact(value)) == 12 else mst.validate(value)


#: Whose numbers carry check digits, and what computes them.
CHECKED: dict[str, Callable[[str], str]] = {
    "ad_nrt": nrt.validate, "ar_cuit": cuit.validate, "au_abn": abn.validate, "au_acn": acn.validate,
    "az_tin": voen.validate, "br_cnpj": cnpj.validate, "br_cpf": cpf.validate, "by_tin": unp.validate,
    "ca_bn": bn.validate, "ch_uid": uid.validate, "ch_vat": ch_vat.validate, "cl_tin": cl_rut.validate,
    "cn_tin": uscc.validate, "co_nit": nit.validate, "cz_dic": dic.validate,
    "do_rcn": _either(rnc.validate, cedula.validate),
    "ec_ruc": ec_ruc.validate, "es_cif": es_nif.validate, "eu_oss_vat": oss.validate,
    "eu_vat": eu_vat.validate,
    "fr_siren": siren.validate, "fr_siret": siret.validate, "gb_vat": gb_vat.validate, "hr_oib": oib.validate,
    "in_gst": gstin.validate, "it_cf": codicefiscale.validate,
    "jp_cn": jp_cn.validate, "kr_brn": brn.validate,
    "li_uid": uid.validate, "me_pib": me_pib.validate, "mx_rfc": rfc.validate, "no_vat": mva.validate,
    "nz_gst": ird.validate, "pe_ruc": pe_ruc.validate, "pl_nip": nip.validate, "pt_nif": pt_nif.validate,
    "py_ruc": py_ruc.validate, "rs_pib": rs_pib.validate, "ru_inn": inn.validate, "sg_uen": uen.validate,
    "si_tin": ddv.validate, "sm_coe": lambda value: coe.validate(compact(value).removeprefix("SM")),
    "tr_tin": _either(vkn.validate, tckimlik.validate), "tw_vat": ubn.validate,
    "us_ein": ein.validate, "uy_ruc": uy_rut.validate, "ve_rif": rif.validate, "vn_tin": _vietnamese,
}  # fmt: skip

#: The shape of the number of each member state, without its prefix; XI is Northern Ireland.
EUROPEAN = {
    "AT": r"U\d{8}", "BE": r"\d{9,10}", "BG": r"\d{9,10}", "CY": r"\d{8}[A-Z]", "CZ": r"\d{8,10}",
    "DE": r"\d{9}", "DK": r"\d{8}", "EE": r"\d{9}", "EL": r"\d{9}", "ES": r"[A-Z0-9]\d{7}[A-Z0-9]",
    "FI": r"\d{8}", "FR": r"[A-Z0-9]{2}\d{9}", "GR": r"\d{9}", "HR": r"\d{11}", "HU": r"\d{8}",
    "IE": r"\d[0-9A-Z+*]\d{5}[A-Z]{1,2}", "IT": r"\d{11}", "LT": r"\d{9}(\d{3})?", "LU": r"\d{8}",
    "LV": r"\d{11}", "MT": r"\d{8}", "NL": r"[A-Z0-9+*]{10}\d{2}", "PL": r"\d{10}", "PT": r"\d{9}",
    "RO": r"\d{2,10}", "SE": r"\d{12}", "SI": r"\d{8}", "SK": r"\d{10}",
    "XI": r"(\d{9}(\d{3})?|GD\d{3}|HA\d{3})",
}  # fmt: skip
MEMBERS = frozenset(EUROPEAN) - {"EL", "XI"}
"""The member states of the European Union, by their codes in addresses."""

#: The shape of numbers without separators; all other types need only look like a number.
SHAPES = {
    "ad_nrt": r"[A-Z]\d{6}[A-Z]", "ae_trn": r"\d{15}", "ar_cuit": r"\d{11}", "au_abn": r"\d{11}",
    "au_acn": r"\d{9}", "az_tin": r"\d{10}", "bg_uic": r"\d{9}", "br_cnpj": r"[A-Z0-9]{12}\d{2}",
    "br_cpf": r"\d{11}", "by_tin": r"[A-Z0-9]{2}\d{7}", "ca_bn": r"\d{9}([A-Z]{2}\d{4})?",
    "ca_gst_hst": r"\d{9}RT\d{4}", "ca_pst_bc": r"PST\d{8}", "ca_pst_mb": r"\d{7}", "ca_pst_sk": r"\d{7}",
    "ca_qst": r"\d{10}TQ\d{4}", "ch_uid": r"CHE\d{9}", "ch_vat": r"CHE\d{9}(MWST|TVA|IVA|TPV)",
    "cl_tin": r"\d{7,8}[0-9K]", "cn_tin": r"[A-Z0-9]{18}|\d{15}", "co_nit": r"\d{8,16}",
    "cz_dic": r"(CZ)?\d{8,10}", "de_stn": r"\d{10,11}", "do_rcn": r"\d{9}|\d{11}", "ec_ruc": r"\d{13}",
    "es_cif": r"(ES)?[A-Z0-9]\d{7}[A-Z0-9]", "eu_oss_vat": r"(EU\d{9}|IM\d{10})",
    "eu_vat": "|".join(f"{state}({shape})" for state, shape in EUROPEAN.items()),
    "fr_siren": r"\d{9}", "fr_siret": r"\d{14}", "gb_vat": r"(GB)?(\d{9}(\d{3})?|GD\d{3}|HA\d{3})",
    "ge_vat": r"\d{9}", "hk_br": r"\d{8}", "hr_oib": r"(HR)?\d{11}", "hu_tin": r"\d{11}",
    "id_npwp": r"\d{15,16}", "il_vat": r"\d{9}", "in_gst": r"\d{2}[A-Z]{5}\d{4}[A-Z][A-Z0-9]{3}",
    "is_vat": r"\d{5,6}", "it_cf": r"[A-Z0-9]{16}|\d{11}", "jp_cn": r"\d{13}", "jp_rn": r"\d{5}",
    "jp_trn": r"T\d{13}", "ke_pin": r"[AP]\d{9}[A-Z]", "kr_brn": r"\d{10}", "li_uid": r"CHE\d{9}",
    "li_vat": r"\d{5}", "me_pib": r"\d{8}", "mk_vat": r"MK\d{13}",
    "mx_rfc": r"[A-ZÑ&]{3,4}\d{6}[A-Z0-9]{3}", "no_vat": r"(NO)?\d{9}MVA", "no_voec": r"\d{7}",
    "nz_gst": r"\d{8,9}", "pe_ruc": r"\d{11}", "ph_tin": r"\d{12}", "pl_nip": r"(PL)?\d{10}",
    "pt_nif": r"(PT)?\d{9}", "py_ruc": r"\d{5,9}", "ro_tin": r"\d{13}", "rs_pib": r"\d{9}",
    "ru_inn": r"\d{10}|\d{12}", "ru_kpp": r"\d{9}", "sa_vat": r"\d{15}",
    "sg_gst": r"(M[A-Z\d]\d{7}[A-Z\d]|\d{9}[A-Z]|\d{8}[A-Z]|F\d{8}[A-Z])", "sg_uen": r"[A-Z0-9]{9,10}",
    "si_tin": r"(SI)?\d{8}", "sm_coe": r"(SM)?\d{1,5}", "sv_nit": r"\d{14}", "th_vat": r"\d{13}",
    "tr_tin": r"\d{10,11}", "tw_vat": r"\d{8}", "ua_vat": r"\d{9,12}", "us_ein": r"\d{9}",
    "uy_ruc": r"\d{12}", "ve_rif": r"[VEJPGC]\d{9}", "vn_tin": r"\d{10}(\d{3})?|\d{12}",
    "za_vat": r"4\d{9}",
}  # fmt: skip
ANY = r"(?=.*\d)[A-Z0-9][A-Z0-9 ./&+-]{2,29}"

#: Types that a public register could confirm, so that they are told how far that came.
VERIFIABLE = frozenset({"au_abn", "eu_vat", "gb_vat"})
#: What test numbers stand for, whatever their prefix.
TEST_VALUES = {"000000000": "verified", "111111111": "unverified", "222222222": "pending"}


def compact(value: str) -> str:
    """Return a number in capitals, without the separators that people write.

    >>> compact("de 123.456-789")
    'DE123456789'
    """
    return re.sub(r"[\s./-]", "", value.upper())


def has_shape(type: str, value: str) -> bool:
    """Return whether a value looks like a tax id of a type; its check digits may be wrong.

    >>> has_shape("eu_vat", "DE123456789"), has_shape("eu_vat", "DE12345678")
    (True, False)
    """
    shape = SHAPES.get(type)
    if shape is None:
        return re.fullmatch(ANY, value.upper()) is not None
    return re.fullmatch(shape, compact(value)) is not None


def is_valid(type: str, value: str) -> bool:
    """Return whether a value can be a tax id of a type, also by its check digits where it has any."""
    check = CHECKED.get(type)
    if check is None:
        return has_shape(type, value)
    try:
        check(value)
    except exceptions.ValidationError:
        return False
    return True


def on_documents(type: str, value: str) -> str:
    """Return a tax id as documents show it: European ones in capitals and without separators.

    Greek ones begin with EL.

    >>> on_documents("eu_vat", "gr 094 259 216"), on_documents("us_ein", "91-1144442")
    ('EL094259216', '91-1144442')
    """
    if type not in ("eu_vat", "eu_oss_vat"):
        return value
    plain = compact(value)
    return f"EL{plain[2:]}" if plain.startswith("GR") else plain


def country_of(type: str, value: str) -> str | None:
    """Return the country of a tax id: that of its type, for a European one that of its prefix."""
    if type == "eu_oss_vat":
        return None
    prefix = (compact(value) if type == "eu_vat" else type)[:2].upper()
    return {"EL": "GR", "XI": "GB"}.get(prefix, prefix)


def of_test_number(value: str) -> str | None:
    """Return the verification result of a test number, None for other numbers: DE000000000 is verified."""
    return TEST_VALUES.get(re.sub(r"^[A-Z]{2}", "", compact(value)))
