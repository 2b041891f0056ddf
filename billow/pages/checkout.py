"""Serve the checkout page: show what is bought, take the payment, and lead back to the merchant."""

import re
from collections.abc import Mapping
from typing import Any

import flask

from billow.api import rows
from billow.core.errors import Refused, Unavailable
from billow.flows.checkout import changes, completion, confirmations, payment_links, purchase, sessions
from billow.flows.checkout.completion import Result
from billow.flows.checkout.method_collections import Wanted
from billow.flows.checkout.purchase import Payer
from billow.flows.mails import outbox
from billow.flows.outside.outside import Outside
from billow.flows.outside.seller import seller_of
from billow.flows.payments import actions
from billow.pages import authentication, checkout_view, elsewhere, entry, frame, sealed
from billow.pages.forms import Form, countries_of
from billow.pages.words import Words, spoken, words_of
from billow.resources.checkout_session import CheckoutSession
from billow.resources.customer import TaxNumber
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_link import PaymentLink
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store.perform import perform
from billow.store.tx import Database, Tx

ADDRESS = "/c/<account>/<mode>/<session>/<seal>"
LINK = "/b/<account>/<mode>/<link>/<seal>"
LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}")
OPTIONAL = re.compile(r"(?:optional|add)-([0-9]{1,2})")
DROPPED = re.compile(r"drop-([0-9]{1,2})")


def add(app: flask.Flask, db: Database, outside: Outside) -> None:
    """Add the pages of checkout sessions and payment links. A wrong seal is answered like no such address."""
    pages = Pages(db, outside)

    session = "checkout session"
    for path, name, kind, view, methods in (
        (ADDRESS, "checkout", session, pages.checkout, ["GET", "POST"]),
        (f"{ADDRESS}/confirm", "checkout confirmation", session, pages.confirm, ["GET", "POST"]),
        (f"{ADDRESS}/done", "checkout done", session, pages.done, ["GET"]),
        (f"{ADDRESS}/recover", "checkout recovery", session, pages.recover, ["GET"]),
        (LINK, "payment link", "payment link", pages.visit, ["GET"]),
    ):
        app.add_url_rule(
            path, name, sealed.page(outside, kind, view), methods=methods, provide_automatic_options=False
        )


class Pages:
    """Answers requests for the pages of checkout, each in transactions of its tenant."""

    def __init__(self, db: Database, outside: Outside) -> None:
        self.db, self.outside = db, outside

    def checkout(self, tenant: str, id: str, address: str) -> flask.Response:
        """Show a session by its state, or take what its form sends."""
        request = flask.request
        if request.method == "GET":
            with self.db.transaction(tenant) as tx:
                session = rows.find(tx, CheckoutSession, id)
                return self._by_state(tx, session, address, Form(words_of(language_of(session))))
        if not frame.is_ours(self.outside, address, request.form, request.headers):
            return frame.see(address)
        action = request.form.get("action", "pay")
        return self._pay(tenant, id, address) if action == "pay" else self._change(tenant, id, address)

    def _by_state(self, tx: Tx, session: CheckoutSession, address: str, form: Form) -> flask.Response:
        tx = purchase.with_clock(tx, session)
        if session.status == "complete":
            return complete(tx, session, form.words)
        if session.status == "expired" or sessions.is_over(session, tx.now):
            return expired(tx, session, form.words)
        if session.pending.get("awaits"):
            return frame.see(f"{address}/confirm")
        if session.attempt_until is not None:
            return busy(tx, session, form.words, address)
        status = 422 if form.errors or form.declined else 200
        takes = entry.of(tx, session.currency, session.payment_method_types)
        if session.pending.get("declines", 0) >= completion.MOST_DECLINES:
            return message(
                tx,
                session,
                form.words,
                "bad",
                "declined",
                [form.words("too_often", seller=checkout_view.seller_of(session))],
            )
        if not takes and not checkout_view.saved(tx, session) and checkout_view.asks(session)["method"]:
            return message(tx, session, form.words, "bad", "declined", [form.words("no_gateway")])
        shown = checkout_view.view(tx, session, form, takes)
        token = frame.token_of(self.outside, address)
        return frame.page(
            "checkout.html",
            form.words.language,
            status,
            address=address,
            test=not tx.livemode,
            token=token,
            **checkout_view.branded(tx, session),
            **shown,
        )

    def _change(self, tenant: str, id: str, address: str) -> flask.Response:
        """Change quantities, options or the promotion code, and show the new total."""
        with self.db.transaction(tenant) as tx:
            session = rows.lock(tx, CheckoutSession, id)
            form = Form(words_of(language_of(session)), flask.request.form)
            if session.status != "open" or completion.is_busy(tx, session):
                return frame.see(address)
            session = changes.choose(tx, session, chosen(form.given))
            if form.given.get("action") == "remove_code":
                changes.remove_code(tx, session)
            code = form.text("code")
            if code and not changes.redeem_code(tx, session, code):
                form.wrong("code", "bad_code")
                form.labels["code"] = form.words("code")
            return self._by_state(tx, rows.find(tx, CheckoutSession, id), address, form)

    def _pay(self, tenant: str, id: str, address: str) -> flask.Response:
        """Pay with what the form has; a declined card or a field that is wrong is shown with the form."""
        with self.db.transaction(tenant) as tx:
            session = rows.lock(tx, CheckoutSession, id)
            form = Form(words_of(language_of(session)), flask.request.form)
            tx = purchase.with_clock(tx, session)
            if session.status != "open" or completion.is_busy(tx, session):
                return frame.see(address)
            before = session.amount_total
            session = changes.choose(tx, session, chosen(form.given))
            payer = payer_of(tx, session, form)
            if payer is None or form.errors or session.amount_total != before:
                return self._by_state(tx, session, address, form)
            takes = entry.of(tx, session.currency, session.payment_method_types)
        entered = payer.card or payer.iban or payer.method
        if entered is None and checkout_view.asks(session)["method"]:
            wanted = Wanted("checkout", id, takes.elsewhere, session.currency, payer, {})
            return elsewhere.lead(self.db, tenant, wanted, address)
        try:
            result: Result = perform(lambda: self.db.transaction(tenant), completion.pay, id, payer)
        except Unavailable:
            return frame.see(address)
        except Refused as refused:
            result = Result(session, refused.message)
            with self.db.transaction(tenant) as tx:
                completion.reopen(tx, id)
        if result.taxed:
            one = result.session
            total = frame.money(one.amount_total or 0, one.currency or "usd", form.words)
            form.notice = form.words("taxed", total=total)
        if result.declined:
            form.declined = form.words.decline(result.reason, result.declined)
        if result.declined or result.taxed:
            with self.db.transaction(tenant) as tx:
                return self._by_state(tx, rows.find(tx, CheckoutSession, id), address, form)
        return frame.see(f"{address}/done" if result.session.status == "complete" else address)

    def confirm(self, tenant: str, id: str, address: str) -> flask.Response:
        """Show what the bank asks, and go on with what the customer answers."""
        with self.db.transaction(tenant) as tx:
            session = rows.find(tx, CheckoutSession, id)
            awaits = session.pending.get("awaits")
            if session.status != "open" or not awaits:
                return frame.see(address)
            words = words_of(language_of(session))
            here = f"{address}/confirm"
            intent = actions.find(tx, awaits)
            asked = intent.status == "requires_action"
            url = confirmations.elsewhere(tx, awaits) if asked else None
            if url:
                return elsewhere.led_to(tx, url, "confirm", "elsewhere_bank")
            if flask.request.method == "GET" and asked:
                return frame.page(
                    "confirm.html",
                    words.language,
                    address=here,
                    amount=authentication.amount_of(intent, words),
                    seller=checkout_view.seller_of(session),
                    test=not tx.livemode,
                    token=frame.token_of(self.outside, here),
                    **checkout_view.branded(tx, session),
                )
        # Where it was confirmed elsewhere, as on the page of the intent, nothing is left to ask.
        if asked and not frame.is_ours(self.outside, here, flask.request.form, flask.request.headers):
            return frame.see(here)
        passed = flask.request.form.get("answer") == "yes"
        result = perform(lambda: self.db.transaction(tenant), completion.confirm, id, passed)
        if result.declined:
            form = Form(words, declined=words.decline(result.reason, result.declined))
            with self.db.transaction(tenant) as tx:
                return self._by_state(tx, rows.find(tx, CheckoutSession, id), address, form)
        return frame.see(f"{address}/done" if result.session.status == "complete" else address)

    def done(self, tenant: str, id: str, address: str) -> flask.Response:
        """Lead back to the merchant: a browser follows by itself, and there is a link besides."""
        with self.db.transaction(tenant) as tx:
            session = rows.find(tx, CheckoutSession, id)
            if session.status != "complete":
                return frame.see(address)
            return complete(tx, session, words_of(language_of(session)), go=True)

    def recover(self, tenant: str, id: str, address: str) -> flask.Response:
        """Begin an expired session again, as a new one."""
        with self.db.transaction(tenant) as tx:
            session = rows.lock(tx, CheckoutSession, id)
            again = sessions.recover(purchase.with_clock(tx, session), session)
            return frame.see(again.url or "") if again else frame.gone(test=not tx.livemode)

    def visit(self, tenant: str, id: str, address: str) -> flask.Response:
        """Begin a checkout session at a payment link."""
        with self.db.transaction(tenant) as tx:
            link = rows.find(tx, PaymentLink, id)
            words, seller = words_of(flask.request.args.get("locale")), seller_of(tx).name
            if not payment_links.is_open(link):
                text = link.inactive_message or words("link_inactive_text", seller=seller)
                return frame.page(
                    "message.html",
                    words.language,
                    410,
                    kind="bad",
                    key="link_inactive",
                    link=None,
                    refresh=None,
                    seller=seller,
                    **frame.branded(tx),
                    test=not tx.livemode,
                    texts=[text],
                )
            session = payment_links.visit(tx, link, **prefilled(flask.request.args))
            return frame.see(session.url or "")


def prefilled(args: Mapping[str, str]) -> dict[str, str | None]:
    """Return what the address of a visit says of the customer, as far as it is valid."""
    form = Form(Words("en"), {"email": args.get("prefilled_email", "")})
    email = form.email() if args.get("prefilled_email") else None
    return {
        "email": None if form.errors else email,
        "reference": args.get("client_reference_id", "").replace("\x00", "")[:200] or None,
    }


def language_of(session: CheckoutSession) -> str:
    """Return the language of the page: the session's if pages speak it, or else that of the browser."""
    return spoken([session.locale or "auto"]) or frame.language_of_browser()


def locale_of(session: CheckoutSession) -> str | None:
    """Return the locale that a customer prefers who is created here: the session's, or else the browser's."""
    if session.locale and session.locale != "auto":
        return session.locale
    best = flask.request.accept_languages.best or ""
    return best if LOCALE.fullmatch(best) else None


def chosen(given: Mapping[str, str]) -> changes.Chosen:
    """Return the quantities, optional items and shipping that the form has."""
    quantities = {
        name.removeprefix("quantity-"): int(value)
        for name, value in given.items()
        if name.startswith("quantity-")
        and value.strip().isascii()
        and value.strip().isdigit()
        and len(value) < 8
    }
    action = given.get("action", "")
    extras = {int(found[1]) for name in (*given, action) if (found := OPTIONAL.fullmatch(name))}
    extras -= {int(found[1]) for found in [DROPPED.fullmatch(action)] if found}
    option = given.get("shipping", "")
    return changes.Chosen(quantities, extras, int(option) if option.isdecimal() and len(option) < 3 else None)


def payer_of(tx: Tx, session: CheckoutSession, form: Form) -> Payer | None:
    """Return what the customer entered; what is wrong is noted in the form.

    None where a card would have to be typed in, and no number may reach us.
    """
    words, asked = form.words, checkout_view.asks(session)
    email = checkout_view.fixed_email(tx, session) or form.email()
    individual = named(form, "individual_name", words("name"), asked["individual"])
    business = named(form, "business_name", words("business_name"), asked["business"])
    phone = form.needed("phone", words("phone")) if asked["phone"] else None
    shipping = None
    if asked["shipping"]:
        to = form.needed("ship_name", words("name"))
        shipping = {"address": form.address("ship_", asked["shipping"], whole=True), "name": to}
    answers = {one["key"]: answer(form, one) for one in session.custom_fields}
    if asked["terms"]:
        form.labels["terms"] = words("terms", name=checkout_view.seller_of(session))
        if form.given.get("terms") != "yes":
            form.wrong("terms", "bad_terms")
    method, address = form.given.get("method", ""), None
    own = method in [one["id"] for one in checkout_view.saved(tx, session)]
    card, iban = None, None
    chosen = entry.of(tx, session.currency, session.payment_method_types).chosen(method)
    if asked["method"] and not own and chosen is None:
        return None
    if asked["method"] and not own:
        address = form.address("", countries_of(words), whole=asked["billing"])
        card = form.card(tx.now) if chosen == "card" else None
        iban = form.iban() if chosen == "sepa_debit" else None
    return Payer(
        accepted=entry.accepted(),
        address=address,
        answers={key: value for key, value in answers.items() if value is not None},
        business_name=business,
        card=card,
        consent=consent(session, form),
        email=email,
        iban=iban,
        individual_name=individual,
        locale=locale_of(session),
        method=method if own else None,
        name=individual or business or form.holder(),
        phone=phone,
        shipping=shipping,
        tax_id=tax_id(form, asked["tax_id"], address),
    )


def named(form: Form, name: str, label: str, asked: str | None) -> str | None:
    if asked is None:
        return None
    return form.needed(name, label) if asked == "required" else form.text(name)


def consent(session: CheckoutSession, form: Form) -> dict[str, Any] | None:
    if session.consent_collection is None:
        return None
    asked = session.consent_collection
    promotions = "opt_in" if form.given.get("promotions") == "yes" else "opt_out"
    return {
        "promotions": promotions if asked["promotions"] == "auto" else None,
        "terms_of_service": "accepted" if asked["terms_of_service"] == "required" else None,
    }


def answer(form: Form, one: dict[str, Any]) -> str | None:
    """Return the answer to one of the merchant's own fields."""
    name, label = f"custom-{one['key']}", one["label"]["custom"]
    value = form.text(name) if one["optional"] else form.needed(name, label)
    form.labels[name] = label
    if value is None:
        return None
    if one["type"] == "dropdown":
        if value not in [each["value"] for each in one["dropdown"]["options"]]:
            form.wrong(name, "required")
        return value
    limits = one[one["type"]]
    least, most = limits["minimum_length"] or 1, limits["maximum_length"] or 255
    if one["type"] == "numeric" and not (value.isascii() and value.isdigit()):
        form.wrong(name, "bad_numeric")
    if not least <= len(value) <= most:
        form.wrong(name, "bad_length", least=least, most=most)
    return value


def tax_id(form: Form, asked: str | None, address: dict[str, Any] | None) -> TaxNumber | None:
    """Return the tax id, of the kind that the billing country has; an EU VAT number says its own."""
    if asked is None:
        return None
    form.labels["tax_id"] = form.words("tax_id")
    value = form.text("tax_id")
    if value is None:
        if asked == "required":
            form.wrong("tax_id", "required")
        return None
    return form.tax_number(value, (address or {}).get("country"))


# ------------------------------------------------------------------------------------- other states


def message(
    tx: Tx, session: CheckoutSession, words: Words, kind: str, key: str, texts: list[str], **more: Any
) -> flask.Response:
    """Show a page with one thing to say."""
    given = {"link": None, "refresh": None, "status": 200, **more}
    return frame.page(
        "message.html",
        words.language,
        key=key,
        kind=kind,
        seller=checkout_view.seller_of(session),
        test=not tx.livemode,
        texts=texts,
        **checkout_view.branded(tx, session),
        **given,
    )


def busy(tx: Tx, session: CheckoutSession, words: Words, address: str) -> flask.Response:
    link = (words("refresh"), address)
    return message(
        tx, session, words, "info", "busy", [words("busy_text")], link=link, refresh=f"5;url={address}"
    )


def expired(tx: Tx, session: CheckoutSession, words: Words) -> flask.Response:
    seller = checkout_view.seller_of(session)
    recovery = (session.after_expiration or {}).get("recovery") or {}
    link = (words("expired_again"), recovery["url"]) if recovery.get("url") else None
    if link is None and session.cancel_url:
        link = (words("back_to", name=seller), session.cancel_url)
    return message(tx, session, words, "bad", "expired", [words("expired_text", seller=seller)], link=link)


def complete(tx: Tx, session: CheckoutSession, words: Words, *, go: bool = False) -> flask.Response:
    """Show what was paid and what follows; `go`: the browser then goes on to the merchant by itself."""
    seller, details = checkout_view.seller_of(session), session.customer_details or {}
    amount = frame.money(session.amount_total or 0, session.currency or "usd", words)
    said = {"unpaid": "complete_pending", "paid": "complete_paid"}.get(
        session.payment_status, "complete_free"
    )
    key = "complete_saved" if session.mode == "setup" else said
    texts = [words(key, amount=amount, seller=seller)]
    if details.get("email") and is_mailed(tx, session, details["email"]):
        texts.append(words("complete_mail", email=details["email"]))
    if session.payment_link:
        link = rows.find(tx, PaymentLink, session.payment_link)
        thanks = (link.after_completion.get("hosted_confirmation") or {}).get("custom_message")
        texts = [thanks, *texts] if thanks else texts
    target = success_url(session)
    return message(
        tx,
        session,
        words,
        "good",
        "complete",
        texts,
        facts=facts(tx, session, words),
        link=(words("continue_to", name=seller), target) if target else None,
        refresh=f"0;url={target}" if target and go else None,
    )


def is_mailed(tx: Tx, session: CheckoutSession, email: str) -> bool:
    """Check whether a receipt or an invoice goes to the address that the customer entered."""
    invoice = rows.find(tx, Invoice, session.invoice) if session.invoice else None
    paid_by = session.payment_intent or (invoice.payment_intent if invoice else None)
    intent = rows.find(tx, PaymentIntent, paid_by) if paid_by else None
    about = [session.invoice, intent.latest_charge if intent else None]
    return outbox.is_ordered(tx, [id for id in about if id], email)


def success_url(session: CheckoutSession) -> str | None:
    """Return where the customer goes after the payment, with the session's id where it is wanted."""
    url = session.success_url or session.return_url
    return url.replace("{CHECKOUT_SESSION_ID}", session.id) if url else None


def facts(tx: Tx, session: CheckoutSession, words: Words) -> list[tuple[str, str]]:
    """Return when a subscription is charged next."""
    if not session.subscription:
        return []
    found = rows.find_many(tx, Subscription, [session.subscription]).get(session.subscription)
    if found is None or found.cancel_at_period_end:
        return []
    items = rows.select(tx, SubscriptionItem, "subscription = %(id)s", id=found.id)
    ends = [item.current_period_end for item in items]
    return [(words("next_charge"), checkout_view.day(tx, min(ends), words))] if ends else []
