"""Make a dispute or a fraud warning at once, as a notice of the gateway would."""

from billow.api import rows
from billow.core.disputes import Dispute, Movement
from billow.core.notices import DisputeChanged, FraudSuspected
from billow.flows.outside.outside import gateway
from billow.flows.payments import notices, settle_dispute
from billow.resources.charge import Charge
from billow.store.tx import Tx
from tests.conftest import Api, Reply

CARDS = {"dispute": "tok_createDispute", "radar.early_fraud_warning": "tok_createIssuerFraudRecord"}
PATHS = {"dispute": "/v1/disputes", "radar.early_fraud_warning": "/v1/radar/early_fraud_warnings"}


def made(api: Api, noun: str) -> Reply:
    """Charge a card that is disputed, or that its issuer warns of, and record what the gateway reports.

    In live mode, which takes no test cards, the report is written by hand.
    """
    live = api.tenant.endswith("/live")
    source = "tok_1abc" if live else CARDS[noun]
    charge = api.post("/v1/charges", {"amount": "5000", "currency": "usd", "source": source})
    assert charge.status == 200, charge
    with api.app.db.transaction(api.tenant) as tx:
        row = rows.find(tx, Charge, charge["id"])
        if live:
            record(tx, row, noun)
        else:
            report(tx, row)
    [one] = api.get(PATHS[noun], {"charge": charge["id"]})["data"]
    return Reply(one, 200, {})


def report(tx: Tx, charge: Charge) -> None:
    """Record what the simulated gateway reports on a charge."""
    [(attempt,)] = tx.tuples("select id from attempts where charge = %(id)s", id=charge.id)
    provider = gateway(tx)
    for notice in provider.reports(attempt):
        if isinstance(notice, DisputeChanged):
            found = provider.dispute(notice.dispute)
            assert found is not None
            settle_dispute.record(tx, charge, found)
        elif isinstance(notice, FraudSuspected):
            notices.warn(tx, provider.name, notice)


def record(tx: Tx, charge: Charge, noun: str) -> None:
    if noun == "dispute":
        reference = charge.reference or ""
        moved = (Movement("txn_1", -5000, 1500),)
        said = Dispute(f"dp_{charge.id}", reference, 5000, "usd", "fraudulent", "needs_response", None, moved)
        settle_dispute.record(tx, charge, said)
    else:
        settle_dispute.record_warning(tx, charge, f"issfr_{charge.id}", "misc")
