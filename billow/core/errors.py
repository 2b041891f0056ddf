"""How do we say no? Refused for what a caller may hear, Unavailable for an outside that did not answer."""

from typing import Any, TypeVar

T = TypeVar("T")

DOCUMENTATION = "https://docs.stripe.com/error-codes/"


class Refused(Exception):
    """A refusal in words for the caller; `more` holds what goes with it, as decline_code or charge.

    `retry` tells programs whether to send the same request again; without it they decide by the status.
    """

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        status: int = 400,
        type: str = "invalid_request_error",
        retry: bool | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code
        self.status = status
        self.type = type
        self.retry = retry
        self.more = more

    def body(self) -> dict[str, Any]:
        """The answer in Stripe's shape; absent members are left out, never null."""
        error = {
            "type": self.type,
            "code": self.code,
            "message": self.message,
            "param": self.param,
            "doc_url": DOCUMENTATION + self.code.replace("_", "-") if self.code else None,
            **self.more,
        }
        return {"error": {name: value for name, value in error.items() if value is not None}}


class Unavailable(Exception):
    """An outside (gateway, tax provider, mail) did not answer: nothing is known, so try again later."""


class Undeliverable(Exception):
    """An outside refused for good, as a mail server that knows no such address: trying again is useless."""


class OutcomeUnknown(Exception):
    """Something was begun, and whether it was done is not known: neither yes nor no may be answered."""


class Inconsistent(Exception):
    """Something that billow itself guarantees does not hold: a defect or damaged data, not a caller's fault.

    Raised in place of an `assert`, which Python leaves out when it is told to optimize.
    """


def require(
    condition: object, message: str, *, param: str | None = None, code: str | None = None, status: int = 400
) -> None:
    if not condition:
        raise Refused(message, param=param, code=code, status=status)


def ensure(condition: object, message: str) -> None:
    """Stop where something must not happen, whatever was requested."""
    if not condition:
        raise Inconsistent(message)


def needed(value: T | None, name: str) -> T:
    """Return a value that must be there."""
    if value is None:
        raise Inconsistent(f"Missing: {name}.")
    return value
