"""The standard's settings: a server's own derive from them, a field for each variable."""

from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from .. import NAME
from .kinds import (
    Attempts,
    AuthMode,
    BaseUrl,
    Count,
    File,
    LogFormat,
    LogLevel,
    Names,
    Networks,
    Port,
    Positive,
    PositiveSeconds,
    Seconds,
    StateUrl,
    Transport,
    Url,
)
from .secrets import Secret

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")
_OTLP_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Settings(BaseModel):
    """Settings: field `server_port` is the variable `MCP_SERVER_PORT`.

    A field of type SecretStr with another called `NAME_file` beside it may come from a file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    server_name: str = Field(default=NAME, max_length=200)
    transport: Transport = "stdio"
    server_host: str = "127.0.0.1"
    server_port: Port = 8000
    public_url: BaseUrl | None = None
    allowed_hosts: Names = ()
    allowed_origins: Names = ()
    trusted_proxies: Networks = ()
    log_level: LogLevel = "INFO"
    log_format: LogFormat = "json"
    debug_mode: bool = False
    enable_writes: bool = False
    tools_enabled: Names = ()
    tools_disabled: Names = ()
    auth_mode: AuthMode = "none"
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
    retry_attempts: Attempts = 3
    breaker_failures: Positive = 5
    breaker_reset_seconds: PositiveSeconds = 30
    otlp_endpoint: Url | None = None

    @classmethod
    def secrets(cls) -> list[str]:
        """Return the fields that may come from a file."""
        return [name for name in cls.model_fields if f"{name}_file" in cls.model_fields]

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

    def secret(self, field: str) -> Secret:
        """Return the secret in `field`, which follows its file when it comes from one."""
        value: SecretStr | None = getattr(self, field)
        path: Path | None = getattr(self, f"{field}_file")
        text = value.get_secret_value() if value else None
        return Secret(variable_name(field), text, path, lambda text: self.check(field, text))

    @classmethod
    def check(cls, field: str, text: str) -> Self:
        """Raise ValueError unless `text` is a value of `field`."""
        return cls.model_validate({field: text})

    def public_view(self) -> dict[str, Any]:
        """Return the effective settings by variable name: no secret, no credential in a URL."""
        effective = {
            "public_url": self.canonical_url,
            "allowed_hosts": self.hosts,
            "allowed_origins": self.origins,
            "auth_audience": self.audience,
            "state_url": self.state_url.get_secret_value(),
        }
        hidden = {name for field in self.secrets() for name in (field, f"{field}_file")}
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
