"""2026-03-25.dahlia: payment intents lost the settlement speed of bank debits."""

from billow.api.versions.change import Change, Renamed, Sent

CHANGE = Change("2026-03-25.dahlia")
INTENTS = (
    "POST /v1/payment_intents",
    "POST /v1/payment_intents/{id}",
    "POST /v1/payment_intents/{id}/confirm",
)


@CHANGE.reads(*INTENTS)
def settlement_speed(sent: Sent) -> Renamed:
    """Take `preferred_settlement_speed` of `us_bank_account` and ignore it: it was a wish."""
    options = sent.get("payment_method_options")
    debit = options.get("us_bank_account") if isinstance(options, dict) else None
    if isinstance(debit, dict):
        debit.pop("preferred_settlement_speed", None)
    return None
