"""2026-09-30.endive: the anchor of a billing cycle is a hash; intents take no list of payment methods."""

from billow.api.versions.change import Change, Renamed, Sent, exclusive

CHANGE = Change("2026-09-30.endive")
ANCHOR = "billing_cycle_anchor"
ALLOWED = "allowed_payment_method_types"


@CHANGE.reads("POST /v1/subscriptions/{id}", "POST /v1/subscriptions/{id}/resume")
def anchor_as_text(sent: Sent) -> Renamed:
    """Take `billing_cycle_anchor` as `now` or `unchanged`, which is `billing_cycle_anchor[type]` now."""
    if not isinstance(sent.get(ANCHOR), str):
        return None
    sent[ANCHOR] = {"type": sent[ANCHOR]}
    return {f"{ANCHOR}[type]": ANCHOR}


@CHANGE.reads(
    "POST /v1/invoices/create_preview", "GET /v1/invoices/upcoming", "GET /v1/invoices/upcoming/lines"
)
def previewed_anchor_as_text(sent: Sent) -> Renamed:
    """Take `subscription_details[billing_cycle_anchor]` as `now`, `unchanged` or a time, not as a hash."""
    details = sent.get("subscription_details")
    if not isinstance(details, dict) or not isinstance(details.get(ANCHOR), str):
        return None
    text, at = details[ANCHOR], f"subscription_details[{ANCHOR}]"
    if text in ("now", "unchanged"):
        details[ANCHOR] = {"type": text}
        return {f"{at}[type]": at}
    details[ANCHOR] = {"type": "timestamp", "timestamp": text}
    return {f"{at}[timestamp]": at}


@CHANGE.reads("POST /v1/payment_intents", "POST /v1/setup_intents")
def fixed_payment_methods(sent: Sent) -> Renamed:
    """Take `payment_method_types` of a new intent, a fixed list: those types, and none by itself."""
    if not sent.get("payment_method_types"):
        sent.pop("payment_method_types", None)
        return None
    if "automatic_payment_methods" in sent:
        raise exclusive("payment_method_types", "automatic_payment_methods")
    sent[ALLOWED] = sent.pop("payment_method_types")
    sent["automatic_payment_methods"] = {"enabled": "false"}
    return {ALLOWED: "payment_method_types"}


@CHANGE.reads(
    "POST /v1/payment_intents/{id}", "POST /v1/payment_intents/{id}/confirm", "POST /v1/setup_intents/{id}"
)
def listed_payment_methods(sent: Sent) -> Renamed:
    """Take `payment_method_types` of an intent that is there, which are the allowed types now."""
    if not sent.get("payment_method_types"):
        sent.pop("payment_method_types", None)
        return None
    sent[ALLOWED] = sent.pop("payment_method_types")
    return {ALLOWED: "payment_method_types"}


@CHANGE.reads("POST /v1/checkout/sessions")
def listed_methods_of_checkout(sent: Sent) -> Renamed:
    """Take `payment_method_types` of a checkout session, which is `allowed_payment_method_types` now."""
    if "payment_method_types" not in sent:
        return None
    sent[ALLOWED] = sent.pop("payment_method_types")
    return {ALLOWED: "payment_method_types"}
