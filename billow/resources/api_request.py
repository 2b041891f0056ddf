"""API requests: what was asked, without secrets, and how it was answered."""

from typing import Any

from billow.api import fields as f
from billow.api.resource import Resource


class ApiRequest(Resource, object="api_request", prefix="req_", events=()):
    """One entry of the request log. No API shows it; the dashboard does."""

    method: str = f.text(required=True)
    address: str = f.text(required=True)
    """The path, without its query."""
    status: int = f.integer(required=True)
    error: dict[str, Any] | None = f.nested()
    """The error object that was answered."""
    about: str | None = f.text()
    """The object that was answered."""
    key: str | None = f.text()
    """The API key, by its id."""
    api_version: str | None = f.text()
    idempotency_key: str | None = f.text()
    user_agent: str | None = f.text()
    sent: dict[str, Any] | None = f.nested()
    """The parameters without secrets; None where they were too long, or no form."""
    milliseconds: int = f.integer(required=True)
