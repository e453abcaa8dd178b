"""The kinds of settings: how the text of a variable is read, and what is expected of it.

What a validator raises here is the expectation that the operator is told.
"""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from annotated_types import Ge, Le
from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_core import PydanticCustomError

SPACE = " \t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\ufeff"
"""What is no part of a value: white space and byte order marks."""

_VISIBLE_ASCII = re.compile(r"[!-~]+")


def _integer(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,18}", value):
        raise PydanticCustomError("number", "an integer")
    return value


def _number(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,18}(\.[0-9]+)?", value):
        raise PydanticCustomError("number", "a number")
    return value


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(item for part in value.split(",") if (item := part.strip(SPACE)))
    return value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def split_url(value: str) -> SplitResult | None:
    """Return the parts of an absolute URL, or None when it is none."""
    try:
        parts = urlsplit(value)
        sound = parts.scheme and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if sound and not re.search(r"[\s\x00-\x1f\x7f]", value) else None


def _is_http(value: str) -> bool:
    parts = split_url(value)
    return parts is not None and parts.scheme in {"http", "https"}


def _http_url(value: str) -> str:
    if not _is_http(value):
        raise PydanticCustomError("url", "expected an http or https URL")
    return value


def _base_url(value: str) -> str:
    if not _is_http(value) or "@" in urlsplit(value).netloc or "?" in value or "#" in value:
        raise PydanticCustomError(
            "url", "expected an http or https URL without user information, query and fragment"
        )
    return value


def check_state_url(value: SecretStr) -> SecretStr:
    """Return the URL of a state store that could be reached."""
    url = value.get_secret_value()
    parts = split_url(url)
    if url != "memory://" and (parts is None or parts.scheme not in {"redis", "rediss"}):
        raise PydanticCustomError("secret", "expected memory://, redis://HOST or rediss://HOST")
    return value


def _visible(value: SecretStr) -> SecretStr:
    if not _VISIBLE_ASCII.fullmatch(value.get_secret_value()):
        raise PydanticCustomError("secret", "expected visible ASCII characters")
    return value


def _readable(path: Path) -> Path:
    try:
        path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise PydanticCustomError("file", "expected a readable file") from None
    return path


def _network(value: object) -> IPv4Network | IPv6Network:
    try:
        return ip_network(str(value), strict=False)
    except ValueError:
        raise PydanticCustomError(
            "network", "expected a comma list of addresses or networks"
        ) from None


LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)]
LogFormat = Annotated[Literal["json", "console"], BeforeValidator(_lower)]
Transport = Annotated[Literal["stdio", "http"], BeforeValidator(_lower)]
AuthMode = Annotated[Literal["none", "jwt"], BeforeValidator(_lower)]
Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
Networks = Annotated[
    tuple[Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)], ...],
    BeforeValidator(_split),
]
File = Annotated[Path, AfterValidator(_readable)]
Url = Annotated[str, AfterValidator(_http_url)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
StateUrl = Annotated[SecretStr, AfterValidator(check_state_url)]
Token = Annotated[SecretStr, AfterValidator(_visible)]
Port = Annotated[int, Ge(0), Le(65_535), BeforeValidator(_integer)]
Count = Annotated[int, Ge(0), Le(1_000_000_000), BeforeValidator(_integer)]
Positive = Annotated[int, Ge(1), Le(1_000_000_000), BeforeValidator(_integer)]
Attempts = Annotated[int, Ge(1), Le(100), BeforeValidator(_integer)]
Seconds = Annotated[float, Ge(0), Le(86_400), BeforeValidator(_number)]
PositiveSeconds = Annotated[float, Ge(0.001), Le(86_400), BeforeValidator(_number)]
