"""What may change in a contract: a short list of additive changes; everything else is breaking."""

from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]
TEXTS = {"description", "sideEffects", "title"}


def changes(old: Json, new: Json) -> Iterator[tuple[str, bool]]:
    """Yield each change between two versions of a contract: where, and whether it is additive."""
    for key in sorted((old.keys() | new.keys()) - {"version"}):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if key in TEXTS | {"deprecated"}:
            yield key, True
        elif key in {"inputSchema", "outputSchema"} and before and after:
            yield from schema_changes(before, after, key)
        elif key in {"errors", "arguments"} and without_texts(before) == without_texts(after):
            yield key, True
        else:
            yield key, False


def schema_changes(old: Json, new: Json, path: str) -> Iterator[tuple[str, bool]]:
    """Yield the changes of a schema at every depth."""
    known, properties = old.get("properties", {}), new.get("properties", {})
    for key in sorted((old.keys() | new.keys()) - {"properties"}):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if key == "items" and before and after:
            yield from schema_changes(before, after, f"{path}.items")
        elif key == "required":
            grown = set(before or ()) <= set(after or ())
            yield f"{path}.required", grown and path.startswith("outputSchema")
        else:
            yield f"{path}.{key}", key in TEXTS
    for name in sorted(known.keys() | properties.keys()):
        place = f"{path}.properties.{name}"
        if name not in properties:
            yield place, False
        elif name not in known:
            yield place, True
        elif known[name] != properties[name]:
            yield from schema_changes(known[name], properties[name], place)


def without_texts(items: list[Json] | None) -> list[Json]:
    """Return the items without what is only said about them."""
    return [{key: each[key] for key in each if key not in TEXTS} for each in items or ()]


def verdict(old: Json, new: Json) -> str:
    """Return what is wrong with the version of a changed contract, or an empty string."""
    found = dict(changes(old, new))
    breaking = [place for place, additive in found.items() if not additive]
    before, after = semver(old), semver(new)
    if breaking and after[0] <= before[0]:
        return (
            f"{new['name']}: breaking without a higher major version: {', '.join(breaking)}. "
            "Clients rely on what stood there: put it back and deprecate it first, "
            f"or give the contract version {before[0] + 1}.0.0."
        )
    if found and after <= before:
        return (
            f"{new['name']}: changed without a higher version: {', '.join(found)}. "
            f"Give the contract a version above {old['version']}."
        )
    return ""


def semver(contract: Json) -> tuple[int, ...]:
    """Return a contract's version as numbers."""
    return tuple(int(part) for part in contract["version"].split("."))
