"""Offer what a form about a subscription can choose from, and read what was chosen."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from billow.api import rows
from billow.api.params import made
from billow.core.errors import Refused, require
from billow.flows.billing.discounts import DiscountTerm
from billow.pages.dashboard import subscriptions
from billow.resources.coupon import Coupon
from billow.resources.price import Price
from billow.resources.product import Product
from billow.resources.promotion_code import PromotionCode
from billow.store.tx import Tx

MOST = 300
"""How many prices a form offers; of more, the newest."""
LONGEST_REASON = 500
PREVIEWED = timedelta(hours=1)
"""How long what a preview has shown can be agreed to."""
PRORATIONS = (
    ("create_prorations", "Settle the rest of the period with the next invoice"),
    ("always_invoice", "Settle the rest of the period at once"),
    ("none", "Settle nothing: it counts from the next period on"),
)


def prices(tx: Tx, currency: str | None, also: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Return the recurring prices that can be subscribed to, and those named, each with its words."""
    found = rows.select(
        tx,
        Price,
        "id = any(%(also)s) or (active and not inline and type = 'recurring'"
        " and (%(currency)s::text is null or currency = %(currency)s or currency_options ? %(currency)s)"
        " and exists (select from products p where p.id = prices.product and p.active))",
        f"order by created desc, id desc limit {MOST}",
        also=list(also),
        currency=currency,
    )
    products = rows.find_many(tx, Product, {one.product for one in found})
    named = [(one.id, words(one, products.get(one.product), currency)) for one in found]
    return sorted(named, key=lambda pair: (pair[1].casefold(), pair[0]))


def words(price: Price, product: Product | None, currency: str | None) -> str:
    """Name a price in a choice: its product, its amount, and its own name."""
    name = f" ({price.nickname})" if price.nickname else ""
    metered = " by usage" if (price.recurring or {}).get("usage_type") == "metered" else ""
    sold = product.name if product else price.product
    return f"{sold}: {subscriptions.price_text(price, currency)}{metered}{name}"


def term(tx: Tx, text: str, customer: str) -> DiscountTerm:
    """Return the discount of a coupon's id or of a promotion code that somebody typed."""
    if text in rows.find_many(tx, Coupon, [text]):
        return made(DiscountTerm, coupon=text)
    found = rows.select(tx, PromotionCode, "upper(code) = upper(%(code)s) and active", code=text)
    fitting = [one for one in found if one.customer in (None, customer)]
    require(fitting, f"There is no coupon and no promotion code {text[:50]}.")
    return made(DiscountTerm, promotion_code=fitting[0].id)


def count(text: str, what: str, most: int = 10**9) -> int:
    """Read a whole number; `what` it is, is said where it is none."""
    text = text.strip()
    if not (text.isascii() and text.isdigit()) or len(text) > 12 or int(text) > most:
        raise Refused(f"{what} is a whole number, at most {most:,}.")
    return int(text)


def quantity(text: str) -> int:
    return count(text, "The quantity")


def chosen(form: Mapping[str, str], name: str, known: Sequence[tuple[str, str]], otherwise: str) -> str:
    """Return what was chosen from a list; refuse what is not on it."""
    value = form.get(name) or otherwise
    require(value in dict(known), "There is no such choice.")
    return value


def instant_of(text: str, zone: str) -> datetime:
    """Return the first instant of a day that somebody chose, in the seller's time zone."""
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise Refused("Choose a day, such as 2027-03-01.") from None
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def since(tx: Tx, form: Mapping[str, str]) -> datetime:
    """Return from when a change counts: the instant of its preview, if that is not too old; otherwise now."""
    now, given = tx.now.replace(microsecond=0), form.get("since", "")
    if not given:
        return now
    require(given.isascii() and given.isdigit() and len(given) < 12, "The form is not whole. Open it again.")
    at = datetime.fromtimestamp(int(given), UTC)
    require(now - PREVIEWED <= at <= now, "What is shown is too old. Look at it again.")
    return at
