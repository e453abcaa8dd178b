"""The types of settings: how the text of a variable is read, and what is expected of it."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from annotated_types import Ge, Le
from pydantic import AfterValidator, AllowInfNan, BeforeValidator, SecretStr
from pydantic_settings import NoDecode


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part for part in (item.strip() for item in value.split(",")) if part)
    return value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        valid = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise ValueError("expected an http or https URL")
    return value


def _state_url(value: SecretStr) -> SecretStr:
    check_state_url(value.get_secret_value())
    return value


def check_state_url(url: str) -> None:
    """Raise ValueError unless a state store can be reached by `url`."""
    if urlsplit(url).scheme not in {"memory", "redis", "rediss"}:
        raise ValueError("expected memory://, redis://HOST or rediss://HOST")


def _readable(path: Path) -> Path:
    try:
        path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ValueError("expected a readable file") from None
    return path


def _network(value: object) -> IPv4Network | IPv6Network:
    try:
        return ip_network(str(value), strict=False)
    except ValueError:
        raise ValueError("expected a comma list of addresses or networks") from None


LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)]
Port = Annotated[int, Ge(0), Le(65_535)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Networks = Annotated[
    tuple[Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)], ...],
    NoDecode,
    BeforeValidator(_split),
]
File = Annotated[Path, AfterValidator(_readable)]
Url = Annotated[str, AfterValidator(_http_url)]
StateUrl = Annotated[SecretStr, AfterValidator(_state_url)]
Count = Annotated[int, Ge(0), Le(1_000_000_000)]
Positive = Annotated[int, Ge(1), Le(1_000_000_000)]
Seconds = Annotated[float, Ge(0), Le(86_400), AllowInfNan(allow_inf_nan=False)]
PositiveSeconds = Annotated[float, Ge(0.001), Le(86_400), AllowInfNan(allow_inf_nan=False)]
