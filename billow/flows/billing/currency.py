"""Check the currency of a customer and of prices."""

from collections.abc import Iterable

from billow.core.errors import require
from billow.resources.customer import Customer
from billow.resources.price import Price, has_amount


def check_customer_currency(customer: Customer, currency: str) -> None:
    """Refuse another currency than the customer's: the balance and all purchases have one currency."""
    require(
        customer.currency in (None, currency),
        "You cannot combine currencies on a single customer. This customer has had a subscription, invoice or"
        f" invoice item with currency {customer.currency}.",
        param="currency",
    )


def check_price_currency(prices: Iterable[Price], currency: str | None, param: str = "currency") -> None:
    """Check that each price has an amount in the currency: its own, or one of `currency_options` (§2.2)."""
    if currency is None:
        own = {price.currency for price in prices}
        require(len(own) == 1, "All prices on a subscription must have the same currency.", param="items")
        return
    for price in prices:
        known = [price.currency, *price.currency_options]
        names = ", ".join(f"`{name}`" for name in known)
        require(currency in known, f"The price specified only supports {names}.", param=param)
        require(
            has_amount(price, currency),
            f"The price specified has no unit amount in `{currency}`.",
            param=param,
        )
