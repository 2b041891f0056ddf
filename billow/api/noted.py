"""Write entries of the request log: which requests, with which parameters, and never a secret."""

import re
from datetime import datetime, timedelta
from typing import Any, TypeGuard

import msgspec

from billow.api.operation import Answer, Call
from billow.api.received import Received
from billow.core.redaction import redacted, redacted_text

LONGEST = 8192
"""Bytes of parameters that are kept, as JSON."""
LONGEST_TEXT = 500
ID = re.compile(rb'\{"id":"([A-Za-z0-9_.-]{1,100})"')


def is_wanted(call: Call | None, answer: Answer) -> TypeGuard[Call]:
    """Tell whether a request is noted: each that writes, and each that fails; none without a known key.

    Usage comes in by thousands of requests a second, and is noted where it fails.
    """
    if call is None:
        return False
    return answer.status >= 400 or (call.verb.method != "GET" and not call.verb.grouped)


def parameters(call: Call) -> dict[str, Any] | None:
    """Return what was sent, without secrets, before the operation changes it.

    None where it is no form, or too long, or has what cannot be written as JSON or kept by PostgreSQL (NUL).
    """
    if call.raw is not None:
        return None
    try:
        written = msgspec.json.encode(call.sent)
    except (TypeError, ValueError):
        return None
    return None if len(written) > LONGEST or b"\\u0000" in written else redacted(call.sent)


def entry(
    call: Call, request: Received, sent: Any, answer: Answer, now: datetime, took: float
) -> tuple[str, dict[str, Any]]:
    """Return the tenant and the entry of a request that was answered after so many seconds."""
    found = ID.match(answer.body)
    error = error_of(answer)
    return call.key.tenant, {
        "id": request.id,
        "created": now - timedelta(seconds=took),
        "method": request.method,
        "address": cut(redacted_text(request.path)),
        "status": answer.status,
        "error": error,
        "about": found[1].decode() if found else (error or {}).pop("about", None),
        "key": call.key.id,
        "api_version": call.version,
        "idempotency_key": cut(call.idempotency_key),
        "user_agent": cut(request.headers.get("user-agent")),
        "sent": sent or None,
        "milliseconds": round(took * 1000),
    }


def error_of(answer: Answer) -> dict[str, Any] | None:
    """Return the type, code, parameter and message of an error, and the id of the intent that it is about."""
    if answer.status < 400:
        return None
    error = msgspec.json.decode(answer.body).get("error")
    if not isinstance(error, dict):
        return None
    names = ("type", "code", "decline_code", "param", "message")
    said = {name: cut(redacted_text(str(error[name]))) for name in names if error.get(name)}
    intent = error.get("payment_intent") or error.get("setup_intent")
    return said | ({"about": intent["id"]} if isinstance(intent, dict) and intent.get("id") else {})


def cut(text: str | None) -> str | None:
    """Return a text of bounded length, which PostgreSQL can keep."""
    return text.replace("\x00", "")[:LONGEST_TEXT] if text else None
