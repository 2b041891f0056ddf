"""Define the faults that the simulated gateway makes on purpose, call by call, and its notices."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from billow.core.errors import Refused, Unavailable, require
from billow.core.notices import AttemptChanged, DisputeChanged, FraudSuspected, Notice

HEADER = "Simulated-Signature"
KINDS = ("", "drop_request", "drop_reply", "error", "duplicate")


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one call.

    `kind`: `drop_request` loses the request; `drop_reply` acts, and loses the answer; `error` acts, and
    answers 500; `duplicate` receives the request twice. `latency` is in seconds. `notices` says how the
    notices of the call arrive: `early` before the answer, `late` after all others, `twice`, `contradictory`
    with a second notice that claims the opposite; without a word one arrives after the answer.
    """

    kind: str = ""
    latency: float = 0.0
    notices: tuple[str, ...] = ()


def fault_of(given: str | Fault | None) -> Fault:
    fault = given if isinstance(given, Fault) else Fault(given or "")
    require(fault.kind in KINDS, f"The simulated gateway knows no fault {fault.kind!r}.")
    return fault


def raise_after_acting(fault: Fault, attempt: str) -> None:
    """Raise what a caller sees of a gateway that has acted, and whose answer does not arrive."""
    if fault.kind == "drop_reply":
        raise Unavailable(f"The simulated gateway lost its reply to {attempt}.")
    if fault.kind == "error":
        raise Unavailable(f"The simulated gateway answered {attempt} with 500.")


def encode(notice: Notice, claim: str) -> bytes:
    """Write a notice as the simulated gateway sends it; `claim` is what it says the outcome is."""
    match notice:
        case AttemptChanged():
            said = {"type": "attempt", "attempt": notice.attempt, "claim": claim}
        case DisputeChanged():
            said = {"type": "dispute", "dispute": notice.dispute, "charge": notice.charge, "claim": claim}
        case FraudSuspected():
            said = {
                "type": "fraud",
                "warning": notice.warning,
                "charge": notice.charge,
                "fraud_type": notice.fraud_type,
            }
    return json.dumps(said, sort_keys=True).encode()


def signed(secret: bytes, body: bytes) -> dict[str, str]:
    return {HEADER: hmac.new(secret, body, hashlib.sha256).hexdigest()}


def decode(secret: bytes, headers: Mapping[str, str], body: bytes) -> Sequence[Notice]:
    """Read a notice of the simulated gateway; refuse one that it has not signed."""
    sent = {name.lower(): value for name, value in headers.items()}.get(HEADER.lower(), "")
    if not hmac.compare_digest(sent, signed(secret, body)[HEADER]):
        raise Refused("The notice is not signed by the gateway.", status=400)
    said = json.loads(body)
    match said.get("type"):
        case "attempt":
            return [AttemptChanged(said["attempt"])]
        case "dispute":
            return [DisputeChanged(said["dispute"], said["charge"])]
        case "fraud":
            return [FraudSuspected(said["warning"], said["charge"], said["fraud_type"])]
    return []
