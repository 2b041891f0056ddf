"""Define the cards that the simulated gateway knows, and how each behaves.

The numbers and names are Stripe's test cards (https://docs.stripe.com/testing), so that habits and test
suites carry over. No other number is accepted: real cards have no place here.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from string import ascii_letters, digits

from billow.core.payments import CardDetails, Declined


@dataclass(frozen=True, slots=True)
class Instrument:
    """A test card. `refusal` answers each charge; `asks` says when its holder must authenticate."""

    number: str
    token: str
    refusal: Declined | None = None
    refused_when_stored: bool = False
    asks: str = "never"  # "never", "requested", "on_session", or "always": then off-session is declined
    afterwards: str | None = None  # what happens after a successful charge
    brand: str = "visa"
    funding: str = "credit"
    delayed: bool = False
    """A charge is pending first, and has its outcome when the gateway is asked again."""
    country: str = "US"
    at_once: bool = False
    """Its money is available without the usual wait."""
    refunds: str = ""  # "pending": a refund succeeds later; "fail": it succeeds, and fails later

    def must_ask(self, requested: str | None) -> bool:
        """Check whether its holder, who is there, must authenticate: always, or where a request asks for it.

        The other test cards are not enrolled in 3D Secure: for them nothing can be asked.
        """
        return self.asks in ("always", "on_session") or (self.asks == "requested" and requested is not None)

    def card(self, made_at: datetime) -> CardDetails:
        """Return the card's details.

        It expires in a year, like Stripe's; charging it does not check the date.
        """
        return CardDetails(
            self.brand,
            self.number[-4:],
            made_at.month,
            made_at.year + 1,
            self.funding,
            self.country,
            fingerprint(self.number),
        )


def fingerprint(number: str) -> str:
    """Return the fingerprint, the same for the same card; the number cannot be read from it."""
    alphabet = digits + ascii_letters
    return "".join(alphabet[byte % len(alphabet)] for byte in sha256(number.encode()).digest()[:16])


def declined(
    decline_code: str | None, message: str, code: str = "card_declined", retry: bool = True
) -> Declined:
    return Declined(code, decline_code, message, retry)


def refused(number: str, token: str, refusal: Declined) -> Instrument:
    """Define a card that is declined when charged, and already when stored."""
    return Instrument(number, token, refusal, refused_when_stored=True)


WAS_DECLINED = "Your card was declined."
GENERIC = declined("generic_decline", WAS_DECLINED)
INSUFFICIENT = declined("insufficient_funds", "Your card has insufficient funds.")
LOST = declined("lost_card", WAS_DECLINED, retry=False)
STOLEN = declined("stolen_card", WAS_DECLINED, retry=False)
BLOCKED = Declined("card_declined", "fraudulent", WAS_DECLINED, retry=False, blocked=True)
REFUND_FAILED = declined(None, "The card cannot be refunded.", "expired_or_canceled_card", retry=False)
EXPIRED = declined("expired_card", "Your card has expired.", "expired_card")
WRONG_CVC = declined("incorrect_cvc", "Your card's security code is incorrect.", "incorrect_cvc")
PROCESSING = declined(
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
    "processing_error",
)
TOO_OFTEN = declined(
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
)
WRONG_NUMBER = declined(None, "Your card number is incorrect.", "incorrect_number", retry=False)
NOT_A_TEST_CARD = declined(
    "test_mode_live_card",
    "Your card was declined. Your request was in test mode, but used a non test card.",
    retry=False,
)
MUST_AUTHENTICATE = declined(
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
    "authentication_required",
    retry=False,
)
NOT_AUTHENTICATED = declined(
    None,
    "We are unable to authenticate your payment method. Please choose a different "
    "payment method and try again.",
    "payment_intent_authentication_failure",
    retry=False,
)

INSTRUMENTS = (
    Instrument("4242424242424242", "pm_card_visa"),
    Instrument("4000056655665556", "pm_card_visa_debit", funding="debit"),
    Instrument("5555555555554444", "pm_card_mastercard", brand="mastercard"),
    Instrument("378282246310005", "pm_card_amex", brand="amex"),
    Instrument("6011111111111117", "pm_card_discover", brand="discover"),
    Instrument("3056930009020004", "pm_card_diners", brand="diners"),
    Instrument("3566002020360505", "pm_card_jcb", brand="jcb"),
    Instrument("6200000000000005", "pm_card_unionpay", brand="unionpay"),
    Instrument("4000004840008001", "pm_card_mx", country="MX"),  # its bank collects in installments
    refused("4000000000000002", "pm_card_visa_chargeDeclined", GENERIC),
    refused("4000000000009995", "pm_card_visa_chargeDeclinedInsufficientFunds", INSUFFICIENT),
    refused("4000000000009987", "pm_card_visa_chargeDeclinedLostCard", LOST),
    refused("4000000000009979", "pm_card_visa_chargeDeclinedStolenCard", STOLEN),
    refused("4000000000006975", "pm_card_visa_chargeDeclinedVelocityLimitExceeded", TOO_OFTEN),
    refused("4000000000000069", "pm_card_chargeDeclinedExpiredCard", EXPIRED),
    refused("4000000000000127", "pm_card_chargeDeclinedIncorrectCvc", WRONG_CVC),
    refused("4000000000000119", "pm_card_chargeDeclinedProcessingError", PROCESSING),
    Instrument("4000000000000341", "pm_card_chargeCustomerFail", GENERIC),
    Instrument("4100000000000019", "pm_card_radarBlock", BLOCKED),
    # Storing counts as the set-up that these three require: afterwards they pay off-session.
    Instrument("4000002500003155", "pm_card_authenticationRequiredOnSetup", asks="on_session"),
    Instrument("4000003800000446", "pm_card_authenticationRequiredSetupForOffSession", asks="on_session"),
    Instrument(
        "4000008260003178",
        "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
        INSUFFICIENT,
        asks="on_session",
    ),
    Instrument("4000002760003184", "pm_card_authenticationRequired", asks="always"),
    Instrument("4000000000003220", "pm_card_threeDSecure2Required", asks="always"),
    Instrument("4000000000003055", "pm_card_threeDSecureOptional", asks="requested"),
    Instrument("4000000000000077", "pm_card_bypassPending", at_once=True),
    Instrument("4000003720000278", "pm_card_bypassPendingInternational", at_once=True),
    Instrument("4000000000000259", "pm_card_createDispute", afterwards="dispute:fraudulent"),
    Instrument(
        "4000000000002685",
        "pm_card_createDisputeProductNotReceived",
        afterwards="dispute:product_not_received",
    ),
    Instrument("4000000000001976", "pm_card_createDisputeInquiry", afterwards="inquiry:fraudulent"),
    Instrument("4000000000005423", "pm_card_createIssuerFraudRecord", afterwards="early_fraud_warning"),
    Instrument("4000000000007726", "pm_card_pendingRefund", refunds="pending"),
    Instrument("4000000000005126", "pm_card_refundFail", refunds="fail"),
)


def names(instrument: Instrument) -> set[str]:
    """Return the number and tokens of a card; Stripe writes declining ones both with and without `visa_`."""
    stem = instrument.token.removeprefix("pm_card_")
    stems = {stem}
    if "chargeDeclined" in stem and not stem.startswith("authentication"):
        stems = {stem.removeprefix("visa_"), "visa_" + stem.removeprefix("visa_")}
    return {instrument.number} | {start + each for each in stems for start in ("pm_card_", "tok_")}


BY_NAME = {name: instrument for instrument in INSTRUMENTS for name in names(instrument)}


def find(token: str) -> Instrument | Declined:
    """Find the card with a number or token, or say why there is none; no answer repeats a number."""
    compact = token.replace(" ", "").replace("-", "")
    found = BY_NAME.get(token) or BY_NAME.get(compact)
    if found is not None:
        return found
    if compact.isascii() and compact.isdigit():
        return NOT_A_TEST_CARD if checks_out(compact) else WRONG_NUMBER
    return declined(None, f"No such PaymentMethod: '{token}'", "resource_missing", retry=False)


def is_test_card(token: str) -> bool:
    """Return whether a token or number is that of a test card, known to the simulated gateway or not."""
    compact = token.replace(" ", "").replace("-", "")
    return token.startswith("pm_card_") or token in BY_NAME or compact in BY_NAME


def checks_out(number: str) -> bool:
    """Check the check digit of a card number (ISO/IEC 7812), which fails for a mistyped number."""
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
