"""Does a refund say where it goes: to the card, an account at a bank, a wallet, or a cash balance?"""

import pytest
import stripe

from billow.resources.payment_method_types import BY_NAME
from billow.resources.refund import Refund, destination
from tests.support.world import World, moment

NOW = moment("2026-01-01")
KNOWN = stripe.Refund.DestinationDetails._inner_class_types
UNNAMED = {
    "acss_debit", "billie", "bizum", "fpx", "kakao_pay", "kr_card", "mobilepay", "naver_pay", "payco",
    "paypay", "samsung_pay", "satispay", "sequra", "sunbit",
}  # fmt: skip
"""The types of which Stripe's library knows no destination."""


def shown(type: str | None, status: str = "pending", **more: str) -> dict | None:
    row = Refund(amount=500, charge="ch_1", currency="eur", method_type=type, status=status, **more)
    return destination(row, NOW, {})


@pytest.mark.parametrize("type", sorted(BY_NAME))
def test_each_type_has_a_destination_that_the_library_knows(type: str) -> None:
    found = shown(type)
    assert (found is None) == (type in UNNAMED)
    if found:
        kind = found["type"]
        assert set(found) == {kind, "type"} and set(found[kind]) <= set(KNOWN[kind].__annotations__)
        assert type == kind or type not in KNOWN


@pytest.mark.parametrize(
    ("type", "kind"),
    [
        ("sepa_debit", "eu_bank_transfer"),
        ("bacs_debit", "gb_bank_transfer"),
        ("us_bank_account", "us_bank_transfer"),
        ("customer_balance", "customer_cash_balance"),
        ("paypal", "paypal"),
        ("card", "card"),
        (None, "card"),
    ],
)
def test_a_refund_goes_where_its_payment_came_from(type: str | None, kind: str) -> None:
    assert (shown(type) or {})["type"] == kind


def test_the_reference_of_a_transfer_is_unavailable_where_none_is_told() -> None:
    found = shown("sepa_debit", "succeeded")
    assert found == {
        "eu_bank_transfer": {"reference": None, "reference_status": "unavailable"},
        "type": "eu_bank_transfer",
    }
    assert (shown("paypal") or {})["paypal"] == {
        "network_decline_code": None,
        "reference": None,
        "reference_status": "pending",
    }
    assert shown("alipay") == {"alipay": {}, "type": "alipay"}


def test_a_refund_of_a_debit_says_so(world: World) -> None:
    anna = world.customer("Anna", card=None)
    paid = world.post(
        "/v1/payment_intents",
        amount=900,
        currency="eur",
        customer=anna.id,
        confirm=True,
        allowed_payment_method_types=["sepa_debit"],
        payment_method_data={
            "type": "sepa_debit",
            "sepa_debit": {"iban": "AT611904300234573201"},
            "billing_details": {"name": "Anna", "email": "anna@example.test"},
        },
        mandate_data={"customer_acceptance": {"type": "offline"}},
    )
    world.work()
    made = world.post("/v1/refunds", payment_intent=paid["id"])
    assert made["destination_details"]["type"] == "eu_bank_transfer"
