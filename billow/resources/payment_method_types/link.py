"""Link: a card or account that the customer keeps with the gateway."""

from billow.resources.payment_method_types.method_type import MethodType

TYPE = MethodType(
    "link",
    shown={"email": None, "persistent_token": None},
    reusable=True,
    mandate={},
    options={"persistent_token": None},
    setup_options={"persistent_token": None},
)
