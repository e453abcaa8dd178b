"""The errors that a client can meet: one table of codes, one exception that carries one of them.

A tool's own rules are `business_error`s, declared where the tool is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class ErrorCategory(StrEnum):
    """Whose turn it is: the caller's, the operator's, or nobody's (a rule of the domain)."""

    CLIENT = "client_error"
    SERVER = "server_error"
    BUSINESS = "business_error"


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """What is fixed about an error code.

    `http_status` is set for refusals: over HTTP they answer the request itself, on stdio (where
    no request is refused) they become tool errors like the rest.
    """

    category: ErrorCategory
    message: str
    http_status: int | None = None


_CLIENT, _SERVER, _BUSINESS = ErrorCategory.CLIENT, ErrorCategory.SERVER, ErrorCategory.BUSINESS

ERRORS: Mapping[str, ErrorKind] = MappingProxyType(
    {
        "invalid_argument": ErrorKind(_CLIENT, "Invalid arguments"),
        "invalid_request": ErrorKind(_CLIENT, "Invalid request", 400),
        "unauthenticated": ErrorKind(_CLIENT, "a valid bearer token is required", 401),
        "insufficient_scope": ErrorKind(_CLIENT, "scope required", 403),
        "forbidden": ErrorKind(_CLIENT, "not allowed", 403),
        "not_acceptable": ErrorKind(
            _CLIENT, "Accept must allow application/json and text/event-stream", 406
        ),
        "too_large": ErrorKind(_CLIENT, "request body is larger than allowed", 413),
        "unsupported_media_type": ErrorKind(_CLIENT, "content type must be application/json", 415),
        "rate_limited": ErrorKind(_CLIENT, "rate limit exceeded", 429),
        "operation_not_found": ErrorKind(_BUSINESS, "operation_id: no such operation"),
        "state_conflict": ErrorKind(_BUSINESS, "the state does not allow this"),
        "too_many_operations": ErrorKind(_BUSINESS, "too many running operations"),
        "overloaded": ErrorKind(_SERVER, "the server is at capacity", 503),
        "shutting_down": ErrorKind(_SERVER, "the server is shutting down", 503),
        "dependency_unavailable": ErrorKind(_SERVER, "a dependency is unavailable", 503),
        "timeout": ErrorKind(_SERVER, "the tool did not finish in time", 408),
        "result_too_large": ErrorKind(_SERVER, "the result is larger than allowed"),
        "internal": ErrorKind(_SERVER, "internal error"),
    }
)


class AppError(Exception):
    """An error meant for the client: its text names fields and reasons, never rejected values.

    `code` is a key of `ERRORS`; `message` overrides the code's own text.
    """

    def __init__(
        self,
        code: str,
        message: str | None = None,
        details: Mapping[str, Any] | None = None,
        *,
        kind: ErrorKind | None = None,
    ) -> None:
        kind = kind or ERRORS[code]
        self.code = code
        self.category = kind.category
        self.http_status = kind.http_status or 500
        self.message = message or kind.message
        self.details = dict(details or {})
        super().__init__(self.message)

    def payload(self, correlation_id: str) -> dict[str, Any]:
        """Return the error as clients see it, on every transport."""
        return {
            "category": self.category.value,
            "code": self.code,
            "message": self.message,
            "details": self.details,
            "correlation_id": correlation_id,
        }


def business_error(code: str, message: str, details: Mapping[str, Any] | None = None) -> AppError:
    """Return the error for a rule of the domain; a tool that raises it documents its code."""
    return AppError(code, message, details, kind=ErrorKind(_BUSINESS, message))


def dependency_unavailable(dependency: str) -> AppError:
    """Return the error for a dependency (`state`, `auth` or a service) that does not answer."""
    return AppError("dependency_unavailable", f"{dependency} is unavailable")


def insufficient_scope(scope: str) -> AppError:
    """Return the error for a token that lacks `scope`."""
    return AppError("insufficient_scope", f"scope required: {scope}", {"required_scopes": [scope]})
