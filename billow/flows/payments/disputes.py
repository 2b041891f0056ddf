"""Answer disputes: evidence, its submission, and giving in."""

from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.params import Params, merged
from billow.core import disputes
from billow.core.errors import require
from billow.flows.outside.outside import gateway_named
from billow.flows.payments import notices, settle_dispute
from billow.resources.charge import Charge
from billow.resources.dispute import FILES, Dispute, Evidence
from billow.resources.file import File
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

LONGEST = 150_000
"""How many characters all texts of the evidence may have together."""


class Update(Params):
    evidence: Evidence | None = f.nested(shape=Evidence)
    metadata: dict[str, str] = f.metadata()
    submit: bool = f.boolean(default=True)


@Dispute.update(Update)
def update(tx: Tx, dispute: Dispute, wanted: Update) -> Steps:
    """Update a dispute's evidence and metadata, and submit the evidence to the bank unless `submit` is false.

    Evidence is submitted once: a dispute that was answered or is closed takes no more.
    """
    metadata = merged(dispute.metadata, wanted.metadata)
    if wanted.evidence is None and not (wanted.given("submit") and wanted.submit):
        return rows.update(tx, dispute, metadata=metadata)
    require(
        dispute.status in disputes.AWAITING,
        f"This dispute is already {dispute.status.replace('_', ' ')}, so its evidence cannot be changed.",
    )
    evidence = said(dispute, wanted.evidence)
    check(tx, evidence)
    changes: dict[str, Any] = {"evidence": evidence, "metadata": metadata}
    charge = rows.find(tx, Charge, dispute.charge)
    dispute = rows.update(tx, dispute, event=None if wanted.submit else "updated", **changes)
    notices.ask_again(tx, dispute)
    told = disputes.Evidence(dispute.reference, texts_of(evidence), wanted.submit)
    tx, found = yield ask(gateway_named(tx, dispute.gateway).contest, told)
    if wanted.submit:
        submitted(tx, charge, dispute, found.status)
    return settle_dispute.record(tx, charge, found)


def submitted(tx: Tx, charge: Charge, dispute: Dispute, status: str) -> None:
    """Note that evidence was submitted; the bank reviews it, whatever it has decided by now.

    Locks the customer, the charge and the dispute. Emits `charge.dispute.updated`.
    """
    tx, _ = settle_dispute.lock_charge(tx, charge)
    current = rows.lock(tx, Dispute, dispute.id)
    review = "warning_under_review" if disputes.is_inquiry(current.status) else "under_review"
    reviewed = disputes.is_later(review, current.status) and status not in disputes.AWAITING
    changes = {"status": review} if reviewed else {}
    rows.update(tx, current, submission_count=current.submission_count + 1, **changes)


def said(dispute: Dispute, evidence: Evidence | None) -> dict[str, Any]:
    """Return the evidence so far with what the request adds; an empty string takes a text back."""
    added = evidence.shown() if evidence else {}
    sent = evidence.sent() if evidence else {}
    changes = {name: added[name] for name in sent}
    if "enhanced_evidence" in changes:
        changes["enhanced_evidence"] = changes["enhanced_evidence"] or {}
    return {**dispute.evidence, **changes}


def check(tx: Tx, evidence: dict[str, Any]) -> None:
    """Refuse evidence that is too long together, and files that are not there."""
    length = sum(len(text) for _, text in texts_of(evidence))
    require(
        length <= LONGEST,
        f"The evidence has {length} characters; it may have at most {LONGEST} together.",
        param="evidence",
    )
    for name in FILES:
        if evidence.get(name):
            rows.find(tx, File, evidence[name], param=f"evidence[{name}]")
    filed = ((evidence.get("appeal") or {}).get("card") or {}).get("supporting_files") or []
    for place, id in enumerate(filed):
        rows.find(tx, File, id, param=f"evidence[appeal][card][supporting_files][{place}]")


def texts_of(evidence: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the texts of the evidence that are not empty."""
    return tuple(
        (name, text) for name, text in sorted(evidence.items()) if isinstance(text, str) and name not in FILES
    )


@Dispute.action("close")
def close(tx: Tx, dispute: Dispute) -> Steps:
    """Close a dispute: accept that it is lost. This cannot be undone."""
    require(
        dispute.status not in disputes.CLOSED,
        f"This dispute is already closed: it is {dispute.status.replace('_', ' ')}.",
    )
    charge = rows.find(tx, Charge, dispute.charge)
    notices.ask_again(tx, dispute)
    tx, found = yield ask(gateway_named(tx, dispute.gateway).concede, dispute.reference)
    return settle_dispute.record(tx, charge, found)
