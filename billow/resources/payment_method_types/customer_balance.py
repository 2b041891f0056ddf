"""Cash balances: a bank transfer that the customer makes, and that is matched when it arrives."""

from billow.resources.payment_method_types.method_type import MethodType

TYPE = MethodType(
    "customer_balance",
    currencies=("eur", "gbp", "jpy", "mxn", "sek", "usd"),
    delayed=True,
    options={"funding_type": None, "setup_future_usage": "none"},
)
