"""Naver Pay: the customer pays with a Korean wallet, by its card or its points."""

from billow.api import fields as f
from billow.api.fields import CREATE
from billow.api.params import Params
from billow.resources.payment_method_types.method_type import MethodType


class Given(Params):
    funding: str | None = f.choice(CREATE, "card", "points", default="card")


TYPE = MethodType(
    "naver_pay",
    Given,
    shown={"buyer_id": None, "funding": "card"},
    currencies=("krw",),
    redirects=True,
    reusable=True,
    mandate={},
)
