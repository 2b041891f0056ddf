"""Put together what the checkout page shows: what is bought, what it costs, and what is asked."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from babel.dates import format_date

from billow.api import rows
from billow.api.fields import instant
from billow.core import pricing
from billow.flows.billing import priced_items
from billow.flows.checkout import lines, totals
from billow.flows.outside.books import zone_of
from billow.flows.quotes.lines import PricedLine
from billow.pages import frame, markup
from billow.pages.entry import Entry
from billow.pages.forms import Form, countries_of
from billow.pages.words import Words
from billow.resources.checkout_session import CheckoutSession
from billow.resources.coupon import Coupon
from billow.resources.customer import Customer
from billow.resources.payment_method import PaymentMethod
from billow.resources.price import Price
from billow.resources.product import Product
from billow.resources.promotion_code import PromotionCode
from billow.resources.shipping_rate import ShippingRate
from billow.store.tx import Tx


def day(tx: Tx, at: datetime, words: Words) -> str:
    """Write the day of an instant in the seller's time zone, which is that of papers."""
    return day_in(at, words, zone_of(tx))


def day_in(at: datetime, words: Words, zone: tzinfo) -> str:
    """Write the day of an instant in a time zone."""
    return written(at.astimezone(zone).date(), words)


def written(day: date, words: Words) -> str:
    """Write a date as papers do: 30.11.2026 in German, 30 nov. 2026 in Swedish."""
    return str(format_date(day, "medium", locale=words.region))


def view(tx: Tx, session: CheckoutSession, form: Form, entry: Entry) -> dict[str, Any]:
    """Return the values of the page's template."""
    words, seller = form.words, seller_of(session)
    priced = lines.lines_of(tx, "session", session.id)
    asked, ways = asks(session), shipping(tx, session, words)
    shown = [line_shown(one, words, session) for one in priced]
    return {
        "asks": asked,
        "button": button(session, words),
        "cancel_url": session.cancel_url,
        "code": code_of(tx, session) if session.allow_promotion_codes else None,
        "codes": bool(session.allow_promotion_codes),
        "countries": countries_of(words),
        "currency": session.currency or "usd",
        "custom": custom(session),
        "custom_text": session.custom_text,
        "entry": entry,
        "form": prefilled(form, session),
        "heading": heading(session, priced, words, seller),
        "known_email": fixed_email(tx, session),
        "lines": shown,
        "mandate": mandate(session, words, seller) if asked["method"] else None,
        "markup": markup.rendered,
        "optional": optional(tx, session, priced, words),
        "promises": promises(tx, session, priced, words),
        "saved": saved(tx, session),
        "seller": seller,
        "shipping": ways,
        "sums": sums(tx, session, words),
        "total": session.amount_total,
        "updates": len(ways) > 1 or any(one["adjustable"] for one in shown),
    }


def seller_of(session: CheckoutSession) -> str:
    return str((session.branding_settings or {}).get("display_name") or "")


OURS = "#0074d4"
"""The colour of buttons of a session that was made without one."""


def branded(tx: Tx, session: CheckoutSession) -> dict[str, Any]:
    """Return how the page looks: with the colour of the session's buttons, or else of its seller."""
    own = (session.branding_settings or {}).get("button_color")
    return frame.branded(tx, own if own != OURS else None)


def fixed_email(tx: Tx, session: CheckoutSession) -> str | None:
    """Return the address that the seller has set; what the customer typed in can be corrected."""
    if session.customer:
        return rows.find(tx, Customer, session.customer, deleted=True).email
    return session.customer_email


def prefilled(form: Form, session: CheckoutSession) -> Form:
    """Return the form with the address that was entered before the page was opened again."""
    known = (session.customer_details or {}).get("email")
    return replace(form, given={"email": known, **form.given}) if known else form


def mandate(session: CheckoutSession, words: Words, seller: str) -> str | None:
    """Say what the customer allows, where the card is kept."""
    keys = {"setup": "mandate_setup", "subscription": "mandate"}
    return words(keys[session.mode], name=seller) if session.mode in keys else None


def code_of(tx: Tx, session: CheckoutSession) -> str | None:
    """Return the promotion code that is applied."""
    ids = [one["promotion_code"] for one in session.discounts or [] if one["promotion_code"]]
    return next((one.code for one in rows.find_many(tx, PromotionCode, ids).values()), None)


def discount_label(tx: Tx, session: CheckoutSession, words: Words) -> str:
    """Name a discount by its promotion code, or by its coupon's name."""
    coupons = [one["coupon"] for one in session.discounts or [] if one["coupon"]]
    named = [one.name for one in rows.find_many(tx, Coupon, coupons).values() if one.name]
    name = code_of(tx, session) or next(iter(named), None)
    return words("discount_of", name=name) if name else words("discount")


def heading(session: CheckoutSession, priced: Sequence[PricedLine], words: Words, seller: str) -> str:
    if session.mode == "setup":
        return words("save_for", name=seller)
    recurring = [one for one in priced if one.recurs]
    if recurring:
        return words("subscribe_to", name=recurring[0].product.name)
    return words("pay_to", name=seller)


def line_shown(one: PricedLine, words: Words, session: CheckoutSession) -> dict[str, Any]:
    """Return a line as it is shown: its amount, and how it comes to that."""
    item, adjustable = one.item, one.item.adjustable_quantity or {}
    amount = frame.money(item.amount_subtotal, item.currency, words)
    about = []
    unit = priced_items.rate_of(one.price, item.currency).unit_amount
    if (item.quantity or 0) > 1 and unit is not None and unit == int(unit):
        each = frame.money(int(unit), item.currency, words)
        about.append(words("times", quantity=item.quantity, amount=each))
    if one.metered:
        about.append(words("metered"))
    elif one.recurs:
        about.append(every(one, words, "every"))
    return {
        "about": " · ".join(about),
        "adjustable": bool(adjustable.get("enabled")),
        "amount": amount,
        "extra": place_of(one, session) if item.optional else None,
        "id": item.id,
        "name": one.product.name,
        "quantity": item.quantity,
    }


def place_of(one: PricedLine, session: CheckoutSession) -> int:
    """Return which of the items that may be added a line is."""
    return [each["price"] for each in session.optional_items or []].index(one.price.id)


def every(one: PricedLine, words: Words, key: str) -> str:
    """Say what a full period of a line costs: € 20.00 per month."""
    amount = full_price(one)
    interval = words.interval(*one.rhythm)
    return words(key, amount=frame.money(amount, one.item.currency, words), interval=interval)


def full_price(one: PricedLine) -> int:
    rate = priced_items.rate_of(one.price, one.item.currency)
    return pricing.amount(rate, Decimal(one.item.quantity or 0))


def promises(tx: Tx, session: CheckoutSession, priced: Sequence[PricedLine], words: Words) -> list[str]:
    """Say what is charged later, after today."""
    recurring = [one for one in priced if one.recurs and not one.metered]
    if not recurring:
        return []
    customer = rows.find(tx, Customer, session.customer, deleted=True) if session.customer else None
    whole = totals.recurring(tx, session, customer, priced) or 0
    amount = frame.money(whole, session.currency or "usd", words)
    named = {"amount": amount, "interval": words.interval(*recurring[0].rhythm)}
    data = session.data.get("subscription_data") or {}
    if data.get("trial_period_days"):
        return [words("free_days", days=words.counted("day", data["trial_period_days"]), **named)]
    if totals.has_trial(session):
        until = instant(data["trial_end"]) or tx.now
        return [words("free_until", date=day(tx, until, words), **named)]
    return [words("due_today"), words("then_every", **named)]


def sums(tx: Tx, session: CheckoutSession, words: Words) -> list[tuple[str, str]]:
    """Return the sums between the lines and the total, where there are any."""
    details = session.total_details
    if not details or session.amount_subtotal is None:
        return []
    currency = session.currency or "usd"
    found = [(words("subtotal"), frame.money(session.amount_subtotal, currency, words))]
    for name, sign in (("discount", -1), ("shipping", 1), ("tax", 1)):
        amount = details[f"amount_{name}"] or 0
        if amount:
            label = discount_label(tx, session, words) if name == "discount" else words(name)
            found.append((label, frame.money(sign * amount, currency, words)))
    return found


def button(session: CheckoutSession, words: Words) -> str:
    """Say what pressing the button does, with the amount that it takes."""
    amount = frame.money(session.amount_total or 0, session.currency or "usd", words)
    if session.mode == "setup":
        return words("save_method")
    if session.mode == "subscription":
        if session.amount_total:
            return words("subscribe_amount", amount=amount)
        return words("start_trial" if totals.has_trial(session) else "subscribe_free")
    key = {"book": "book_amount", "donate": "donate_amount"}.get(session.submit_type or "", "pay_amount")
    return words(key, amount=amount)


def asks(session: CheckoutSession) -> dict[str, Any]:
    """Return what the page asks for, as the session says."""
    names = session.name_collection or {}
    consent = session.consent_collection or {}
    tax = session.tax_id_collection or {}
    method = bool(session.amount_total) or session.payment_method_collection != "if_required"
    return {
        "billing": session.billing_address_collection == "required" or session.automatic_tax["enabled"],
        "business": asked_name(names.get("business")),
        "individual": asked_name(names.get("individual")),
        "method": method,
        "phone": session.phone_number_collection["enabled"],
        "promotions": consent.get("promotions") == "auto",
        "shipping": countries_of(Words("en"), session.shipping_address_collection["allowed_countries"])
        if session.shipping_address_collection
        else None,
        "tax_id": ("required" if tax.get("required") == "if_supported" else "optional")
        if tax.get("enabled")
        else None,
        "terms": consent.get("terms_of_service") == "required",
    }


def asked_name(wanted: dict[str, Any] | None) -> str | None:
    if not wanted or not wanted["enabled"]:
        return None
    return "optional" if wanted["optional"] else "required"


def custom(session: CheckoutSession) -> list[dict[str, Any]]:
    """Return the merchant's own fields."""
    return [
        {
            "key": one["key"],
            "label": one["label"]["custom"],
            "optional": one["optional"],
            "options": [(each["value"], each["label"]) for each in (one["dropdown"] or {}).get("options", [])]
            if one["type"] == "dropdown"
            else [],
            "type": one["type"],
        }
        for one in session.custom_fields
    ]


def saved(tx: Tx, session: CheckoutSession) -> list[dict[str, Any]]:
    """Return the customer's cards that may be shown again, as their owner allowed."""
    options = session.saved_payment_method_options
    if not session.customer or session.mode == "setup" or not options:
        return []
    allowed = options["allow_redisplay_filters"] or ["always"]
    found = rows.select(
        tx, PaymentMethod, "customer = %(id)s and type = 'card' and not detached", id=session.customer
    )
    return [card_shown(one) for one in found if one.allow_redisplay in allowed]


def card_shown(method: PaymentMethod) -> dict[str, Any]:
    card = method.card or {}
    return {
        "brand": str(card["brand"]).capitalize(),
        "id": method.id,
        "last4": card["last4"],
        "month": f"{card['exp_month']:02}",
        "year": card["exp_year"],
    }


def optional(
    tx: Tx, session: CheckoutSession, priced: Sequence[PricedLine], words: Words
) -> list[dict[str, Any]]:
    """Return the items that the customer may still add, with their prices."""
    chosen = {one.price.id for one in priced if one.item.optional}
    found = []
    for place, one in enumerate(session.optional_items or []):
        if one["price"] in chosen:
            continue
        price = rows.find(tx, Price, one["price"])
        product = rows.find(tx, Product, price.product, deleted=True)
        amount = frame.money(price.unit_amount or 0, price.currency, words)
        found.append({"amount": amount, "name": product.name, "place": place})
    return found


def shipping(tx: Tx, session: CheckoutSession, words: Words) -> list[dict[str, Any]]:
    """Return the ways of shipping; the chosen one is in the total."""
    chosen = (session.shipping_cost or {}).get("shipping_rate")
    found = []
    for one in session.shipping_options:
        rate = rows.find(tx, ShippingRate, one["shipping_rate"])
        amount = frame.money(one["shipping_amount"], session.currency or "usd", words)
        found.append({"amount": amount, "chosen": rate.id == chosen, "name": rate.display_name})
    return found
