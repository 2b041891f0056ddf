"""Cards: paid at once, in every currency, and by default."""

from billow.resources.payment_method_types.method_type import MethodType

TYPE = MethodType(
    "card",
    number="number",
    reusable=True,
    options={
        "installments": None,
        "mandate_options": None,
        "network": None,
        "request_three_d_secure": "automatic",
    },
    setup_options={"mandate_options": None, "network": None, "request_three_d_secure": "automatic"},
)
