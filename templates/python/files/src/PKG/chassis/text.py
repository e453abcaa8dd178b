"""Text as Unicode defines it, and text from outside: data, cleaned of what is no text."""

import re
from typing import Any

WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""Unicode's White_Space property; `str.isspace` also counts four control characters."""

_WORD = re.compile(f"[^{WHITE_SPACE}]+")
_NO_TEXT = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # control sequences, such as colours
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c|$)"  # strings, such as window titles and links
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
    r"|[\u202a-\u202e\u2066-\u2069]"  # overrides of the direction, which hide what is said
    r"|[\U000e0000-\U000e007f]",  # tags, which no one sees but a model reads
    re.DOTALL,
)
_HALVES = re.compile(r"[\ud800-\udfff]")


def strip(text: str) -> str:
    """Return `text` without Unicode white space at both ends."""
    return text.strip(WHITE_SPACE)


def words(text: str) -> list[str]:
    """Return the parts of `text` between Unicode white space."""
    return _WORD.findall(text)


def clean(value: Any) -> Any:
    """Return a JSON value from outside, each of its strings without what is no text."""
    if isinstance(value, str):
        return _NO_TEXT.sub("", value)
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    return value


def well_formed(value: Any) -> Any:
    """Return a JSON value with U+FFFD for each half of a character, which UTF-8 cannot carry."""
    if isinstance(value, str):
        return value if value.isascii() else _HALVES.sub("\ufffd", value)
    if isinstance(value, list):
        return [well_formed(item) for item in value]
    if isinstance(value, dict):
        return {well_formed(key): well_formed(item) for key, item in value.items()}
    return value
