"""Types of payment methods of which a request sends nothing: the customer confirms at the gateway."""

from billow.resources.payment_method_types.method_type import MethodType

EURO = ("eur",)
BUYER = {"buyer_id": None}

#: Paid as soon as the customer has confirmed, and never kept.
ONCE = (
    MethodType("affirm", currencies=("cad", "usd"), redirects=True),
    MethodType("afterpay_clearpay", currencies=("aud", "cad", "eur", "gbp", "nzd", "usd"), redirects=True,
               options={"reference": None}),
    MethodType("alma", currencies=EURO, redirects=True),
    MethodType("billie", currencies=EURO, redirects=True),
    MethodType("bizum", shown=BUYER, currencies=EURO, redirects=True),
    MethodType("blik", shown=BUYER, currencies=("pln",)),
    MethodType("crypto", currencies=("usd",), redirects=True),
    MethodType("giropay", currencies=EURO, redirects=True),
    MethodType("grabpay", currencies=("myr", "sgd"), redirects=True),
    MethodType("mb_way", currencies=EURO),
    MethodType("mobilepay", currencies=("dkk", "eur", "nok", "sek"), redirects=True),
    MethodType("pay_by_bank", currencies=("eur", "gbp"), redirects=True),
    MethodType("payco", currencies=("krw",), redirects=True),
    MethodType("paynow", currencies=("sgd",)),
    MethodType("paypay", currencies=("jpy",), redirects=True),
    MethodType("pix", shown={"fingerprint": None}, currencies=("brl",)),
    MethodType("promptpay", currencies=("thb",)),
    MethodType("samsung_pay", currencies=("krw",), redirects=True),
    MethodType("satispay", currencies=EURO, redirects=True),
    MethodType("scalapay", currencies=EURO, redirects=True),
    MethodType("sequra", currencies=EURO, redirects=True),
    MethodType("sunbit", currencies=("usd",), redirects=True),
    MethodType("swish", currencies=("sek",)),
    MethodType("wechat_pay", currencies=("aud", "cad", "cny", "eur", "gbp", "hkd", "jpy", "sgd", "usd"),
               options={"app_id": None, "client": None}),
    MethodType("zip", currencies=("aud", "usd"), redirects=True),
)  # fmt: skip

#: Kept by a mandate or an agreement with the wallet, and charged off session later.
REUSABLE = (
    MethodType("alipay", redirects=True, reusable=True),
    MethodType("amazon_pay", redirects=True, reusable=True, mandate={}),
    MethodType("bancontact", currencies=EURO, redirects=True, reusable=True,
               options={"preferred_language": "en"}),
    MethodType("cashapp", shown={"buyer_id": None, "cashtag": None}, currencies=("usd",), redirects=True,
               reusable=True, mandate={}),
    MethodType("kakao_pay", currencies=("krw",), redirects=True, reusable=True, mandate={}),
    MethodType("kr_card", shown={"brand": None, "last4": None}, currencies=("krw",), redirects=True,
               reusable=True, mandate={}),
    MethodType("paypal", shown={"country": None, "payer_email": None, "payer_id": None}, redirects=True,
               reusable=True, mandate={"billing_agreement_id": None, "payer_id": None},
               options={"preferred_locale": None, "reference": None}),
    MethodType("revolut_pay", currencies=("eur", "gbp", "pln", "ron"), redirects=True, reusable=True,
               mandate={}),
    MethodType("twint", currencies=("chf",), redirects=True, reusable=True, mandate={}),
)  # fmt: skip

#: Paid by a voucher or a transfer, which the customer makes days later.
VOUCHERS = (
    MethodType("konbini", currencies=("jpy",), delayed=True,
               options={"confirmation_number": None, "expires_after_days": None, "expires_at": None,
                        "product_description": None}),
    MethodType("multibanco", currencies=EURO, delayed=True),
    MethodType("oxxo", currencies=("mxn",), delayed=True, options={"expires_after_days": 3}),
)  # fmt: skip

TYPES = (*ONCE, *REUSABLE, *VOUCHERS)
