"""The audit trail: who did what with which outcome, never with which values."""

import hmac
import secrets
from collections.abc import Iterable

from .logs import get_logger

_DIGEST_KEY = secrets.token_bytes(32)

_audit = get_logger("audit")


def digest(arguments: str) -> str:
    """Return what ties equal arguments together within one process and reveals nothing."""
    data = arguments.encode("utf-8", "surrogatepass")
    return hmac.digest(_DIGEST_KEY, data, "sha256").hex()


def audit(  # noqa: PLR0913 - each is a column of the audit trail
    event: str,
    *,
    subject: str | None,
    name: str | None,
    outcome: str,
    scopes: Iterable[str] = (),
    arguments_digest: str | None = None,
) -> None:
    """Record who did what with which outcome."""
    _audit.info(
        f"audit.{event}",
        subject=subject,
        name=name,
        outcome=outcome,
        scopes=sorted(scopes),
        arguments_digest=arguments_digest,
    )
