"""Charge through Stripe, or through a server that speaks its API: billow keeps billing, Stripe only charges.

Every request is sent with the attempt as its idempotency key and in the metadata, so that Stripe answers it
once and finds it again. The library is loaded with the first request of a process, since that takes a while.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

from billow.core.disputes import Dispute, Evidence
from billow.core.errors import Refused, Unavailable
from billow.core.notices import DisputeChanged, FraudSuspected, Notice
from billow.core.payments import (
    CANCELED,
    Capture,
    Charge,
    Collect,
    CollectingPage,
    Declined,
    Deposits,
    Increment,
    NeedsAction,
    Outcome,
    Refund,
    SetUp,
    Succeeded,
)
from billow.core.payouts import PaidOut
from billow.core.routing import Route
from billow.providers.gateways import ELSEWHERE, Gateway, StoredMethod
from billow.providers.gateways.stripe_answers import (
    ATTEMPT,
    COLLECTION,
    attempt_of,
    declined,
    dispute_of,
    id_of,
    moved_by,
    notices_of,
    outcome_of,
    paid_out,
    paid_out_source,
    refund_outcome,
    set_up_outcome,
    stored,
)

SECONDS = 30
"""How long Stripe may take to answer; its own limit for a charge is longer only for some banks."""
TOLERANCE = 300
"""How many seconds old the signature of a notice may be."""
COLLECTED = ("au_becs_debit", "bacs_debit", "card", "sepa_debit", "us_bank_account")
"""The types of methods that Stripe's own page takes and keeps for later payments."""
EXPANDED = ["latest_charge.balance_transaction"]
PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)
"""How many seconds to wait for the answer to the same request, which another process has sent."""
#: Answers that say nothing about the payment: it may have been made, or can be made later.
NO_ANSWER = (
    "APIConnectionError", "APIError", "AuthenticationError", "PermissionError", "RateLimitError",
)  # fmt: skip


class UnderWay(Unavailable):
    """The same request is being carried out, sent by another process of ours."""


class Known(Unavailable):
    """The attempt was sent before with other params, and was carried out with those."""


class Stripe(Gateway):
    """Stripe's payments, customers, refunds and disputes. `check` refuses an address that is not allowed."""

    collects_at: Mapping[str, str] = MappingProxyType(dict.fromkeys(COLLECTED, ELSEWHERE))

    def __init__(self, route: Route, check: Callable[[str], object] | None = None) -> None:
        self.name = route.name
        self._route, self._check = route, check

    @cached_property
    def _library(self) -> Any:
        import stripe

        return stripe

    @cached_property
    def _client(self) -> Any:
        """Return the client. It never repeats a request by itself: attempts are repeated by their job."""
        address = self._route.address
        if address and self._check:
            self._check(address)
        return self._library.StripeClient(
            self._route.secret,
            max_network_retries=0,
            http_client=self._library.RequestsClient(timeout=SECONDS),
            **({"base_addresses": {"api": address}} if address else {}),
        ).v1

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Turn errors that leave the outcome unknown into `Unavailable`; no message names a key."""
        try:
            yield
        except self._library.StripeError as error:
            if error.http_status == 409:
                raise UnderWay from error
            if isinstance(error, self._library.IdempotencyError):
                raise Known from error
            kind = type(error).__name__
            if kind in NO_ANSWER or (error.http_status or 500) >= 500:
                raise Unavailable(f"Stripe did not answer: {kind} {error.http_status}") from error
            raise

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Turn what Stripe refuses into `Refused`, as well as its silence into `Unavailable`."""
        try:
            with self._asked():
                yield
        except self._library.StripeError as error:
            raise Refused(str(error.user_message or "The gateway refused this.")) from error

    def _known(self, attempt: str) -> Outcome:
        """Return the outcome of an attempt that Stripe has carried out before, with other params."""
        found = self._find(attempt)
        if found is None:
            raise Unavailable(f"Stripe knows {attempt}, and does not find it yet.")
        return found

    def _outcome(self, attempt: str, ask: Callable[[], Any], read: Callable[[Any], Outcome]) -> Outcome:
        """Return the outcome of a request; a decline and a refusal are answers."""
        for pause in PAUSES:
            try:
                with self._asked():
                    return read(ask())
            except UnderWay:
                time.sleep(pause)
            except Known:
                return self._known(attempt)
            except self._library.StripeError as error:
                return declined(error.error)
        raise Unavailable("Stripe still carries out the same request.")

    def store_method(self, token: str, type: str = "card", check: bool = True) -> StoredMethod | Declined:
        """Store a card of Stripe's own forms (`tok_…`, `pm_…`), attached to a customer of Stripe's.

        Without that a method could be charged once only. The reference names both.
        """
        try:
            with self._asked():
                if token.startswith("pm_"):
                    method = self._client.payment_methods.retrieve(token)
                else:
                    sent = {"type": "card", "card": {"token": token}}
                    method = self._client.payment_methods.create(sent)
                if not method.customer:
                    method = self._attached(method, check)
        except self._library.StripeError as error:
            return declined(error.error)
        return stored(method, id_of(method.customer) if method.customer else "")

    def begin_collection(self, wanted: Collect) -> CollectingPage:
        """Open a page of Stripe's checkout in the mode `setup`; the method is attached to a new customer."""
        sent = {
            "allowed_payment_method_types": [*wanted.types],
            "cancel_url": wanted.cancel_url,
            "customer_creation": "always",
            "metadata": {COLLECTION: wanted.collection},
            "mode": "setup",
            "success_url": wanted.return_url,
            **({"currency": wanted.currency} if wanted.currency else {}),
        }
        with self._answering():
            session = self._client.checkout.sessions.create(sent, key(wanted.collection))
        return CollectingPage(session.id, session.url)

    def collected(self, collection: str, reference: str) -> StoredMethod | Declined | None:
        """Return the method that was entered in a session of Stripe's checkout."""
        with self._answering():
            expand = {"expand": ["setup_intent.payment_method"]}
            session = self._client.checkout.sessions.retrieve(reference, expand)
        named = getattr(session.metadata, COLLECTION, None)
        if named != collection or session.status != "complete" or session.setup_intent is None:
            return None
        method = session.setup_intent.payment_method
        if session.setup_intent.status != "succeeded" or method is None:
            return None
        return stored(method, id_of(method.customer)) if method.customer else self.store_method(method.id)

    def authenticate(self, attempt: str, passed: bool = True) -> Outcome | None:
        """Return what has become of an attempt: the bank asks its customer on a page of its own."""
        return self.look_up(attempt)

    def _attached(self, method: Any, check: bool) -> Any:
        """Attach a method to a new customer; without `check` a declined card stays without one.

        The charge that follows is declined too, and so is a payment that failed.
        """
        customer = self._client.customers.create({})
        try:
            return self._client.payment_methods.attach(method.id, {"customer": customer.id})
        except self._library.CardError:
            if check:
                raise
            return method

    def set_up(self, set_up: SetUp) -> Outcome:
        """Set a method up for later payments."""
        sent = {
            **holder(set_up.method),
            **confirmed_by(set_up.type, set_up.return_url),
            "confirm": True,
            "metadata": {ATTEMPT: set_up.attempt},
            "usage": "off_session" if set_up.off_session else "on_session",
            **asked(set_up),
        }
        return self._outcome(
            set_up.attempt,
            lambda: self._client.setup_intents.create(sent, key(set_up.attempt)),
            set_up_outcome,
        )

    def charge(self, charge: Charge) -> Outcome:
        """Charge a method. Repeating an attempt returns its first answer, or what has become of it."""
        sent = {
            **holder(charge.method),
            "amount": charge.amount,
            **confirmed_by(charge.type, charge.return_url),
            "capture_method": "automatic" if charge.capture else "manual",
            "confirm": True,
            "currency": charge.currency,
            "expand": EXPANDED,
            "metadata": {ATTEMPT: charge.attempt},
            "off_session": charge.off_session,
            **({"description": charge.description} if charge.description else {}),
            **asked(charge),
        }
        return self._outcome(
            charge.attempt, lambda: self._client.payment_intents.create(sent, key(charge.attempt)), outcome_of
        )

    def capture(self, capture: Capture) -> Outcome:
        """Capture a charge that was held; one that was captured before answers with what was captured."""

        def ask() -> Any:
            intent = self._client.charges.retrieve(capture.charge).payment_intent
            found = self._client.payment_intents.retrieve(intent, {"expand": EXPANDED})
            if found.status == "succeeded" and found.amount_received == capture.amount:
                return found
            sent: dict[str, Any] = {"amount_to_capture": capture.amount, "expand": EXPANDED}
            sent |= {} if capture.final else {"final_capture": False}
            return self._client.payment_intents.capture(intent, sent, key(capture.attempt))

        return self._outcome(capture.attempt, ask, lambda intent: self._captured(intent, capture))

    def _captured(self, intent: Any, capture: Capture) -> Outcome:
        """Read a capture: with its own fee where the same charge was captured before."""
        outcome = outcome_of(intent)
        if not isinstance(outcome, Succeeded) or intent.amount_received == capture.amount:
            return outcome
        if not capture.amount:
            return replace(outcome, fee=0, exchange=None)
        with self._asked():
            listed = {"limit": 1, "source": outcome.reference, "type": "charge"}
            moved = self._client.balance_transactions.list(listed).data
        return moved_by(moved[0], capture.amount, intent.currency, outcome.reference) if moved else outcome

    def increment(self, increment: Increment) -> Outcome:
        """Raise what a charge holds."""

        def ask() -> Any:
            intent = self._client.charges.retrieve(increment.charge).payment_intent
            sent = {"amount": increment.amount, "expand": EXPANDED}
            return self._client.payment_intents.increment_authorization(intent, sent, key(increment.attempt))

        return self._outcome(increment.attempt, ask, outcome_of)

    def refund(self, refund: Refund) -> Outcome:
        """Refund a charge. A refund that was made for this attempt before answers as it is now."""

        def ask() -> Any:
            wanted = {"charge": refund.charge, "limit": 100, "expand": ["data.balance_transaction"]}
            made = self._client.refunds.list(wanted).data
            known = next((one for one in made if attempt_of(one) == refund.attempt), None)
            sent = {"amount": refund.amount, "charge": refund.charge, "metadata": {ATTEMPT: refund.attempt}}
            sent["expand"] = ["balance_transaction"]
            return known or self._client.refunds.create(sent, key(refund.attempt))

        return self._outcome(refund.attempt, ask, refund_outcome)

    def verify(self, attempt: str, proof: Deposits) -> Outcome | None:
        """Verify a bank account by the amounts of small deposits, or by the code of one."""
        with self._asked():
            found = recent(self._client.setup_intents, attempt) or self._intent(attempt)
        if found is None:
            return None
        service = getattr(self._client, f"{found.object}s")
        code = proof.descriptor_code
        sent: dict[str, Any] = {"descriptor_code": code} if code else {"amounts": list(proof.amounts)}
        read = outcome_of if found.object == "payment_intent" else set_up_outcome
        return self._outcome(attempt, lambda: service.verify_microdeposits(found.id, sent), read)

    def look_up(self, attempt: str) -> Outcome | None:
        """Return the outcome of an attempt.

        A capture, and a refund or set-up before the latest hundred, is found when it is repeated.
        """
        return self._find(attempt)

    def _find(self, attempt: str) -> Outcome | None:
        with self._asked():
            found = self._intent(attempt)
            if found:
                return outcome_of(found)
            refund = recent(self._client.refunds, attempt, ("data.balance_transaction",))
            if refund:
                return refund_outcome(refund)
            set_up = recent(self._client.setup_intents, attempt)
            return set_up_outcome(set_up) if set_up else None

    def _intent(self, attempt: str) -> Any:
        """Find the payment intent of an attempt by its metadata.

        A search finds a new one after up to a minute; until then it is among the latest hundred, or its
        request is repeated under its idempotency key, which Stripe knows for a day.
        """
        query = f"metadata['{ATTEMPT}']:'{attempt}'"
        intents = self._client.payment_intents
        found = next(iter(intents.search({"query": query, "limit": 1}).data), None) or recent(
            intents, attempt
        )
        return intents.retrieve(found.id, {"expand": EXPANDED}) if found else None

    def cancel(self, attempt: str) -> Outcome | None:
        """Cancel the payment intent of an attempt; one that is being paid, or was, says so instead."""
        with self._asked():
            found = self._intent(attempt)
            if found is None:
                return None
            outcome = outcome_of(found)
            if isinstance(outcome, NeedsAction):
                self._client.payment_intents.cancel(found.id)
                return CANCELED
            return CANCELED if found.status == "canceled" else outcome

    def reports(self, attempt: str) -> Sequence[Notice]:
        """Return the disputes and fraud warnings of an attempt's charge."""
        with self._asked():
            found = self._intent(attempt)
            if found is None or not found.latest_charge:
                return []
            charge = id_of(found.latest_charge)
            disputes = self._client.disputes.list({"charge": charge}).data
            warnings = self._client.radar.early_fraud_warnings.list({"charge": charge}).data
        return [
            *(DisputeChanged(one.id, charge) for one in disputes),
            *(FraudSuspected(one.id, charge, one.fraud_type) for one in warnings),
        ]

    def read_notice(self, headers: Mapping[str, str], body: bytes) -> Sequence[Notice]:
        """Read an event of Stripe's. One that is not signed, or was signed minutes ago, is refused."""
        named = {name.lower(): value for name, value in headers.items()}
        sent, secret = named.get("stripe-signature", ""), self._route.signing_secret
        try:
            if not secret:
                raise Refused("The gateway has no secret for its notices.")
            self._library.WebhookSignature.verify_header(body.decode(), sent, secret, TOLERANCE)
        except (self._library.SignatureVerificationError, UnicodeDecodeError) as error:
            raise Refused("The notice is not signed by Stripe, or too old.") from error
        event = json.loads(body)
        return notices_of(event.get("type", ""), (event.get("data") or {}).get("object") or {})

    def dispute(self, reference: str) -> Dispute | None:
        try:
            with self._asked():
                return dispute_of(self._client.disputes.retrieve(reference))
        except self._library.InvalidRequestError:
            return None

    def payout(self, reference: str) -> PaidOut | None:
        """Return a payout as Stripe says that it is now."""
        try:
            with self._asked():
                found = self._client.payouts.retrieve(reference, {"expand": ["balance_transaction"]})
                return paid_out(found)
        except self._library.InvalidRequestError:
            return None

    def recent_payouts(self) -> Mapping[str, str]:
        """Return the latest hundred payouts, with the status that Stripe says of each."""
        with self._asked():
            return {one.id: one.status for one in self._client.payouts.list({"limit": 100}).data}

    def paid_out_with(self, reference: str) -> Sequence[str]:
        """Return the charges and refunds that an automatic payout pays out; of others Stripe says none."""
        with self._asked():
            if not self._client.payouts.retrieve(reference).automatic:
                return ()
            wanted = {"payout": reference, "limit": 100, "expand": ["data.source"]}
            moved = self._client.balance_transactions.list(wanted).auto_paging_iter()
            return [source for one in moved if (source := paid_out_source(one))]

    def contest(self, evidence: Evidence) -> Dispute:
        """Keep or submit evidence; the same evidence is sent once."""
        sent = {"evidence": dict(evidence.texts), "submit": evidence.submit}
        mark = hashlib.sha256(json.dumps(sent, sort_keys=True).encode()).hexdigest()[:24]
        return self._answered(
            lambda: self._client.disputes.update(evidence.dispute, sent, key(f"{evidence.dispute}-{mark}")),
            evidence.dispute,
        )

    def concede(self, reference: str) -> Dispute:
        return self._answered(lambda: self._client.disputes.close(reference), reference)

    def _answered(self, ask: Callable[[], Any], reference: str) -> Dispute:
        """Return a dispute after a request about it; one that Stripe refuses leaves it as it is."""
        try:
            with self._asked():
                return dispute_of(ask())
        except self._library.InvalidRequestError as error:
            found = self.dispute(reference)
            if found is None:
                raise Refused(str(error.user_message or "There is no such dispute."), status=404) from error
            return found


def key(attempt: str) -> dict[str, str]:
    return {"idempotency_key": attempt}


def holder(method: str) -> dict[str, str]:
    """Return the customer and the method that a reference names; a token of Stripe's names no customer."""
    customer, _, own = method.rpartition("/")
    return {**({"customer": customer} if customer else {}), "payment_method": own}


def confirmed_by(type: str, return_url: str | None) -> dict[str, Any]:
    """Return what a confirmation says of its method's type, and where a customer comes back to from the bank.

    Only the type of the method is allowed: the account may have others on that want to lead elsewhere.
    """
    return {"allowed_payment_method_types": [type], **({"return_url": return_url} if return_url else {})}


def asked(wanted: Charge | SetUp) -> dict[str, Any]:
    """Return what is asked of a method, and how it is to be paid by this once, as options of Stripe's."""
    terms = wanted.terms
    if terms.own:
        return {"payment_method_options": {wanted.type: dict(terms.own)}}
    wishes = wanted.wishes if isinstance(wanted, Charge) else ()
    options: dict[str, Any] = {f"request_{wish}": "if_available" for wish in wishes}
    if wanted.three_d_secure:
        options["request_three_d_secure"] = wanted.three_d_secure
    if terms.plan:
        options["installments"] = {"enabled": True, "plan": {k: v for k, v in terms.plan.items() if v}}
    said = {"cvc_token": terms.cvc_token, "moto": terms.moto, "three_d_secure": terms.three_d_secure}
    options |= {name: value for name, value in said.items() if value}
    return {"payment_method_options": {"card": options}} if options else {}


def recent(service: Any, attempt: str, expand: Sequence[str] = ()) -> Any:
    """Find the object of an attempt among the latest hundred of its kind."""
    listed = service.list({"limit": 100, **({"expand": list(expand)} if expand else {})}).data
    return next((one for one in listed if attempt_of(one) == attempt), None)
