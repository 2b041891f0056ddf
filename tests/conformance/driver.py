"""Run a scenario with the official library for Python; `node/drive.mjs` does the same in Node."""

import json
import re
from collections.abc import Sequence
from typing import Any

import stripe

from tests.support.webhook_receivers import Receiver, eventually, listening

Step = dict[str, Any]
Entry = dict[str, Any]
KEPT = re.compile(r"\$(\w[\w.]*\w)")


def filled(value: Any, kept: dict[str, Any]) -> Any:
    """`$customer.address.city` is what was kept, also inside of texts: "email:'$customer.email'"."""
    if isinstance(value, list):
        return [filled(inner, kept) for inner in value]
    if isinstance(value, dict):
        return {name: filled(inner, kept) for name, inner in value.items()}
    if not isinstance(value, str):
        return value
    if whole := KEPT.fullmatch(value):
        return _found(whole[1], kept)
    return KEPT.sub(lambda found: str(_found(found[1], kept)), value)


def _found(path: str, kept: Any) -> Any:
    for name in path.split("."):
        kept = kept[int(name) if isinstance(kept, list) else name]
    return kept


class Driver:
    """Runs the steps of a scenario one after the other, and says what came of each."""

    def __init__(self, url: str, key: str, receiver: Receiver) -> None:
        self.client = stripe.StripeClient(key, base_addresses={"api": url}, max_network_retries=0)
        self.receiver = receiver
        self.kept: dict[str, Any] = {"receiver": receiver.url}

    def run(self, scenario: Sequence[Step]) -> list[Entry]:
        transcript = []
        for step in scenario:
            entry = self.result(step)
            transcript.append(entry)
            if ("refused" in entry) != ("refused" in step):
                break  # what follows stands on it
            if "keep" in step:
                self.kept[step["keep"]] = entry["answer"]
        return transcript

    def result(self, step: Step) -> Entry:
        try:
            return self.hear(step) if "hear" in step else self.call(step)
        except stripe.SignatureVerificationError:
            return {"refused": {"type": "StripeSignatureVerificationError"}}
        except stripe.StripeError as error:
            told = error.json_body["error"]
            return {
                "refused": {
                    "type": f"Stripe{type(error).__name__}",
                    "rawType": told["type"],
                    "code": error.code,
                    "param": getattr(error, "param", None),
                    "status": error.http_status,
                    "decline_code": told.get("decline_code"),
                    "message": error.user_message,
                }
            }

    def call(self, step: Step) -> Entry:
        run: Any = self.client
        for name in (step["call"] if step["call"].startswith("v2.") else f"v1.{step['call']}").split("."):
            run = getattr(run, name)
        ids = step.get("on", [])
        sent: dict[str, Any] = {"params": filled(step["with"], self.kept)} if "with" in step else {}
        given = {"idempotency_key": step.get("idempotency_key"), "api_key": step.get("key")}
        if options := {name: value for name, value in given.items() if value}:
            sent["options"] = options
        answer = run(*(filled(id, self.kept) for id in ([ids] if isinstance(ids, str) else ids)), **sent)
        if step.get("pages"):
            return {"answer": {"data": [plain(one) for one in answer.auto_paging_iter()]}}
        replayed = answer.last_response.headers.get("Idempotent-Replayed") == "true"
        return {"answer": plain(answer), **({"replayed": True} if replayed else {})}

    def hear(self, step: Step) -> Entry:
        def wanted() -> Any:
            return next((one for one in list(self.receiver.heard) if one.event["type"] == step["hear"]), None)

        message = eventually(wanted, seconds=30)
        signature = message.headers["Stripe-Signature"]
        received = message.body.replace(b"{", b"{ ", 1) if step.get("spoilt") else message.body
        secret = filled(step["secret"], self.kept)
        if not step.get("thin"):
            return {"answer": plain(self.client.construct_event(received, signature, secret))}
        thin: Any = self.client.parse_event_notification(received, signature, secret)
        fetched = {"event": plain(thin.fetch_event()), "object": plain(thin.fetch_related_object())}
        return {"answer": {"id": thin.id, "type": thin.type, "livemode": thin.livemode, **fetched}}


def plain(answer: Any) -> Any:
    return json.loads(str(answer))


def drive(url: str, key: str, scenario: Sequence[Step]) -> dict[str, Any]:
    """The transcript of a scenario, as the driver in Node writes it."""
    with listening() as receiver:
        return {"transcript": Driver(url, key, receiver).run(scenario), "receiver": receiver.url}
