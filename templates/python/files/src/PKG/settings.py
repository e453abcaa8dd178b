"""Settings: typed, from the environment, all problems reported at once."""

import difflib
import fnmatch
import os
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit, urlunsplit

from annotated_types import Ge, Le
from pydantic import Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from . import NAME
from .settings_types import (
    Count,
    File,
    LogLevel,
    Names,
    Networks,
    Port,
    Positive,
    PositiveSeconds,
    Seconds,
    StateUrl,
    Url,
    check_state_url,
)
from .tools.registry import TOOLS

SECRETS = ("api_key", "state_url")
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")
_FOREIGN_VARIABLES = ("MCP_TIMEOUT", "MCP_TOOL_TIMEOUT", "MCP_*_SERVICE_HOST", "MCP_*_PORT*")
_SHOWN_CHARACTERS = 100
_OTLP_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


class SettingsError(Exception):
    """The environment cannot be used; `problems` has one line for each reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings(BaseSettings):
    """The server's settings: field `server_port` is the variable `MCP_SERVER_PORT`."""

    model_config = SettingsConfigDict(
        env_prefix="MCP_", env_ignore_empty=True, extra="ignore", frozen=True, populate_by_name=True
    )

    server_name: str = Field(default=NAME, max_length=200)
    transport: Literal["stdio", "http"] = "stdio"
    server_host: str = "127.0.0.1"
    server_port: Port = 8000
    public_url: Url | None = None
    allowed_hosts: Names = ()
    allowed_origins: Names = ()
    trusted_proxies: Networks = ()
    log_level: LogLevel = "INFO"
    log_format: Literal["json", "console"] = "json"
    debug_mode: bool = False
    enable_writes: bool = False
    tools_enabled: Names = ()
    tools_disabled: Names = ()
    auth_mode: Literal["none", "jwt"] = "none"
    auth_issuer: Url | None = None
    auth_audience: str | None = None
    auth_jwks_url: Url | None = None
    auth_jwks_file: Path | None = None
    allow_unauthenticated: bool = False
    rate_limit_per_minute: Count = 600
    rate_limit_burst: Count = 60
    max_concurrency: Positive = 64
    max_queue: Count = 256
    tool_timeout_seconds: PositiveSeconds = 30
    max_body_bytes: Positive = 1_048_576
    max_result_bytes: Positive = 262_144
    shutdown_delay_seconds: Seconds = 0
    shutdown_grace_seconds: Seconds = 35
    state_url: StateUrl = SecretStr("memory://")
    state_url_file: File | None = None
    state_ttl_seconds: Positive = 3600
    max_operations: Positive = 16
    api_base_url: Url | None = None
    api_key: SecretStr | None = None
    api_key_file: File | None = None
    api_timeout_seconds: PositiveSeconds = 5
    api_max_concurrency: Positive = 16
    retry_attempts: Annotated[int, Ge(1), Le(100)] = 3
    breaker_failures: Positive = 5
    breaker_reset_seconds: PositiveSeconds = 30
    otlp_endpoint: Url | None = Field(default=None, validation_alias=_OTLP_ENDPOINT)

    @property
    def canonical_url(self) -> str:
        """Where clients find this server, without a trailing slash."""
        host = f"[{self.server_host}]" if ":" in self.server_host else self.server_host
        return (self.public_url or f"http://{host}:{self.server_port}").rstrip("/")

    @property
    def resource(self) -> str:
        """The URL that names this server as an OAuth resource."""
        return f"{self.canonical_url}/mcp"

    @property
    def audience(self) -> str:
        """The audience that a token must carry."""
        return self.auth_audience or self.resource

    @property
    def hosts(self) -> tuple[str, ...]:
        """Allowed Host headers; an entry without a port allows every port."""
        return self.allowed_hosts or (*LOOPBACK_HOSTS, urlsplit(self.canonical_url).netloc)

    @property
    def origins(self) -> tuple[str, ...]:
        """Allowed Origin headers."""
        if self.allowed_origins:
            return self.allowed_origins
        own = urlunsplit((*urlsplit(self.canonical_url)[:2], "", "", ""))
        loopback = (f"{scheme}://{host}" for host in LOOPBACK_HOSTS for scheme in ("http", "https"))
        return (*loopback, own)

    def public_view(self) -> dict[str, Any]:
        """Return the effective settings by variable name: no secret, no credential in a URL."""
        effective = {
            "public_url": self.canonical_url,
            "allowed_hosts": self.hosts,
            "allowed_origins": self.origins,
            "auth_audience": self.audience,
            "state_url": self.state_url.get_secret_value(),
        }
        hidden = {"api_key", *(f"{name}_file" for name in SECRETS)}
        values = {**self.model_dump(mode="json", exclude=hidden), **effective}
        return {variable_name(field): _without_credentials(v) for field, v in values.items()}


def variable_name(field: str) -> str:
    """Return the environment variable of a field of `Settings`."""
    return _OTLP_ENDPOINT if field == "otlp_endpoint" else f"MCP_{field.upper()}"


def _without_credentials(value: object) -> object:
    if not isinstance(value, str) or "://" not in value:
        return list(value) if isinstance(value, tuple) else value
    parts = urlsplit(value)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def load() -> Settings:
    """Read the environment.

    Raises SettingsError with every problem: variable, value unless secret, what is expected.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        by_field = {str(e["loc"][0]): _explain(e) for e in error.errors()}
        raise SettingsError(list(by_field.values())) from None
    if problems := _conflicts(settings):
        raise SettingsError(problems)
    return settings


def unknown_variables(environ: Mapping[str, str] = os.environ) -> list[tuple[str, str]]:
    """Return each `MCP_` variable that is no setting, with the nearest one that is."""
    known = [variable_name(field) for field in Settings.model_fields]
    return [
        (name, difflib.get_close_matches(name, known, n=1, cutoff=0)[0])
        for name in sorted(environ)
        if name.startswith("MCP_")
        and name not in known
        and not any(fnmatch.fnmatchcase(name, pattern) for pattern in _FOREIGN_VARIABLES)
    ]


def _explain(error: ErrorDetails) -> str:
    location = str(error["loc"][0])
    field = "otlp_endpoint" if location == _OTLP_ENDPOINT else location
    name = variable_name(field)
    raw = os.environ.get(name, "")
    if raw.startswith(("tcp://", "udp://")):
        reason = (
            "this looks like a Kubernetes service link; "
            "set enableServiceLinks: false or rename the Service"
        )
    else:
        reason = _expectation(field, error)
    return f"{name}: {reason}" if field in SECRETS else f"{name}={_printable(raw)}: {reason}"


def _printable(value: str) -> str:
    shown = "".join(c if c.isprintable() else "?" for c in value)
    return shown if len(shown) <= _SHOWN_CHARACTERS else f"{shown[:_SHOWN_CHARACTERS]}…"


def _expectation(field: str, error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind.startswith("bool"):
        return "expected true or false"
    if kind == "literal_error":
        return f"expected {context['expected'].replace(chr(39), '')}"
    if kind == "string_too_long":
        return f"expected at most {context['max_length']} characters"
    limits = {type(m): m for m in Settings.model_fields[field].metadata}
    if Ge not in limits:
        return f"expected {error['msg'].lower()}"
    noun = "an integer" if Settings.model_fields[field].annotation is int else "a number"
    return f"expected {noun} from {limits[Ge].ge} to {limits[Le].le}"


def is_loopback(host: str) -> bool:
    """Return whether a server on `host` is reachable from this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_wildcard(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def _conflicts(settings: Settings) -> list[str]:
    """Return what is wrong with settings that are fine one by one."""
    problems = []
    for field in ("tools_enabled", "tools_disabled"):
        if unknown := sorted(set(getattr(settings, field)) - {tool.name for tool in TOOLS}):
            names = ", ".join(sorted(tool.name for tool in TOOLS))
            value = _printable(",".join(unknown))
            problems.append(f"{variable_name(field)}={value}: expected names among {names}")
    if settings.rate_limit_per_minute and not settings.rate_limit_burst:
        problems.append("MCP_RATE_LIMIT_BURST=0: expected at least 1 with a rate limit")
    for field in SECRETS:
        if field in settings.model_fields_set and getattr(settings, f"{field}_file"):
            name = variable_name(field)
            problems.append(f"{name}: expected only one of {name} and {name}_FILE")
    if settings.state_url_file:
        try:
            check_state_url(settings.state_url_file.read_text(encoding="utf-8").strip())
        except ValueError as error:
            problems.append(f"MCP_STATE_URL: {error}")
    if settings.transport == "http":
        problems += _http_conflicts(settings)
    return problems


def _http_conflicts(settings: Settings) -> list[str]:
    host = settings.server_host
    if settings.auth_mode == "none":
        if is_loopback(host) or settings.allow_unauthenticated:
            return []
        problem = (
            f"MCP_SERVER_HOST={_printable(host)}: expected a loopback address without "
            "authentication; set MCP_AUTH_MODE=jwt, or MCP_ALLOW_UNAUTHENTICATED=true"
        )
        return [problem]
    problems = []
    if settings.auth_issuer is None:
        problems.append("MCP_AUTH_ISSUER=: expected the issuer's URL with MCP_AUTH_MODE=jwt")
    if (settings.auth_jwks_url is None) == (settings.auth_jwks_file is None):
        problems.append("MCP_AUTH_JWKS_URL=: expected it or MCP_AUTH_JWKS_FILE, one of the two")
    if _is_wildcard(host) and settings.public_url is None:
        problems.append(f"MCP_PUBLIC_URL=: expected a URL with jwt on wildcard host {host}")
    return problems
