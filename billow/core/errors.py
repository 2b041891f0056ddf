"""Define the errors that are handled: Refused for callers, Unavailable for a service that does not answer."""

from typing import Any, TypeVar

T = TypeVar("T")

DOCUMENTATION = "https://docs.stripe.com/error-codes/"


class Refused(Exception):
    """A refusal whose message the caller sees; `more` holds further members, such as decline_code or charge.

    `retry` tells clients whether to send the same request again; without it they decide by the status.
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
        """Build the error body in Stripe's shape; absent members are left out, never null."""
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
    """A service (gateway, tax provider, mail server) did not answer: try again later."""


class Undeliverable(Exception):
    """A service refused for good, such as a mail server that does not know the address: do not try again."""


class NoSuchRecipient(Undeliverable):
    """The mail server knows no such mailbox: nothing is sent to this address any more."""


class OutcomeUnknown(Exception):
    """It is not known whether something that was begun was done: answer neither success nor failure."""


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
