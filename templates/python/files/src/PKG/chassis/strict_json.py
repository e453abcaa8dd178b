"""JSON as the standard library would not refuse it: UTF-8 alone, finite, not too deep."""

import json
import math
from typing import Any

MAX_DEPTH = 200


class StrictJSONError(ValueError):
    """The bytes are no JSON that is taken; the message completes "body is ..."."""


def loads(data: bytes) -> Any:
    """Return the value in `data`; a leading byte order mark is skipped."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise StrictJSONError("not valid UTF-8") from None
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise StrictJSONError("nested too deeply") from None
    except ValueError:
        raise StrictJSONError("not valid JSON") from None
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_deeper(value, MAX_DEPTH):
        raise StrictJSONError("nested too deeply")
    return value


def dumps(value: Any) -> str:
    """Return the shortest JSON text; raises ValueError for a number that is not finite."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _refuse(name: str) -> None:
    raise ValueError(name)


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(digits)
    return value


def _is_deeper(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
