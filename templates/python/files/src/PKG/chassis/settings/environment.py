"""Settings from the environment: read the same in every language, all problems told at once."""

import difflib
import fnmatch
import os
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import TypeVar

from annotated_types import Ge, Le
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from .kinds import SPACE, split_url
from .settings import Settings, variable_name

SettingsT = TypeVar("SettingsT", bound=Settings)

_FOREIGN_VARIABLES = ("MCP_TIMEOUT", "MCP_TOOL_TIMEOUT", "MCP_*_SERVICE_HOST", "MCP_*_PORT*")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_SHOWN_CHARACTERS = 100


class SettingsError(Exception):
    """The environment cannot be used; `problems` has one line for each reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load(
    kind: type[SettingsT], tools: Iterable[str] = (), environ: Mapping[str, str] = os.environ
) -> SettingsT:
    """Read the environment; `tools` are the names that a setting may mean.

    White space around a value is no part of it, and an empty one is unset. Raises SettingsError
    with every problem: variable, value unless secret, what is expected.
    """
    texts = {
        field: text
        for field in kind.model_fields
        if (text := environ.get(variable_name(field), "").strip(SPACE))
    }
    try:
        settings = kind.model_validate(texts)
    except ValidationError as error:
        by_field = {str(e["loc"][0]): e for e in error.errors()}
        raise SettingsError(
            [_explain(kind, field, texts.get(field, ""), e) for field, e in by_field.items()]
        ) from None
    problems = [
        *_unknown_tools(settings, sorted(tools)),
        *_broken_secrets(settings),
        *_unusable_proxies(environ),
        *(_http_conflicts(settings) if settings.transport == "http" else ()),
    ]
    if settings.rate_limit_per_minute and not settings.rate_limit_burst:
        problems.append("MCP_RATE_LIMIT_BURST=0: expected at least 1 with a rate limit")
    if problems:
        raise SettingsError(problems)
    return settings


def unknown_variables(
    kind: type[Settings], environ: Mapping[str, str] = os.environ
) -> list[tuple[str, str]]:
    """Return each `MCP_` variable that is no setting, with the nearest one that is."""
    known = [variable_name(field) for field in kind.model_fields]
    return [
        (name, difflib.get_close_matches(name, known, n=1, cutoff=0)[0])
        for name in sorted(environ)
        if name.startswith("MCP_")
        and name not in known
        and not any(fnmatch.fnmatchcase(name, pattern) for pattern in _FOREIGN_VARIABLES)
    ]


def is_loopback(host: str) -> bool:
    """Return whether a server on `host` is reachable from this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _explain(kind: type[Settings], field: str, raw: str, error: ErrorDetails) -> str:
    name, reason = variable_name(field), _expectation(kind, field, error)
    if raw.startswith(("tcp://", "udp://")):
        reason = (
            "this looks like a Kubernetes service link; "
            "set enableServiceLinks: false or rename the Service"
        )
    if error["type"] == "secret" or field in kind.secrets():
        return f"{name}: {reason}"
    shown = raw
    if error["type"] == "url":
        parts = split_url(raw)
        if parts is None:
            return f"{name}: {reason}"
        shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    return f"{name}={_printable(shown)}: {reason}"


def _printable(value: str) -> str:
    shown = "".join(c if c.isprintable() else "?" for c in value)
    return shown if len(shown) <= _SHOWN_CHARACTERS else f"{shown[:_SHOWN_CHARACTERS]}…"


def _expectation(kind: type[Settings], field: str, error: ErrorDetails) -> str:
    code, context = error["type"], error.get("ctx", {})
    limits = {type(limit): limit for limit in kind.model_fields[field].metadata}
    if Ge in limits:
        noun = "an integer" if kind.model_fields[field].annotation is int else "a number"
        return f"expected {noun} from {limits[Ge].ge} to {limits[Le].le}"
    if code.startswith("bool"):
        return "expected true or false"
    if code == "literal_error":
        return f"expected {context['expected'].replace(chr(39), '')}"
    if code == "string_too_long":
        return f"expected at most {context['max_length']} characters"
    return error["msg"]


def _unknown_tools(settings: Settings, tools: list[str]) -> Iterable[str]:
    for field in ("tools_enabled", "tools_disabled"):
        if unknown := sorted(set(getattr(settings, field)) - set(tools)):
            value = _printable(",".join(unknown))
            names = ", ".join(tools)
            yield f"{variable_name(field)}={value}: expected names among {names}"


def _broken_secrets(settings: Settings) -> Iterable[str]:
    for field in settings.secrets():
        name = variable_name(field)
        path = getattr(settings, f"{field}_file")
        if path and field in settings.model_fields_set:
            yield f"{name}: expected only one of {name} and {name}_FILE"
        elif path:
            try:
                settings.check(field, path.read_text(encoding="utf-8").strip(SPACE))
            except ValidationError as error:
                yield f"{name}_FILE: {error.errors()[0]['msg']} in the file"


def _unusable_proxies(environ: Mapping[str, str]) -> Iterable[str]:
    for name in _PROXIES:
        proxy = environ.get(name.lower()) or environ.get(name, "")
        if "://" in proxy and not proxy.lower().startswith(("http://", "https://")):
            yield f"{name}: only http:// and https:// proxies are supported"


def _http_conflicts(settings: Settings) -> Iterable[str]:
    host = settings.server_host
    if settings.auth_mode == "none":
        if not is_loopback(host) and not settings.allow_unauthenticated:
            yield (
                f"MCP_SERVER_HOST={_printable(host)}: expected a loopback address without "
                "authentication; set MCP_AUTH_MODE=jwt, or MCP_ALLOW_UNAUTHENTICATED=true"
            )
        return
    if settings.auth_issuer is None:
        yield "MCP_AUTH_ISSUER=: expected the issuer's URL with MCP_AUTH_MODE=jwt"
    if (settings.auth_jwks_url is None) == (settings.auth_jwks_file is None):
        yield "MCP_AUTH_JWKS_URL=: expected it or MCP_AUTH_JWKS_FILE, one of the two"
    if settings.public_url is None and _is_wildcard(host):
        yield f"MCP_PUBLIC_URL=: expected a URL with jwt on wildcard host {host}"


def _is_wildcard(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False
