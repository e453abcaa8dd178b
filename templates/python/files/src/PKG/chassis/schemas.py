"""From pydantic models to closed, flat schemas that every client accepts, and to clear errors."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from .errors import AppError
from .text import strip

ModelT = TypeVar("ModelT", bound=BaseModel)

_NAME_LIMIT = 64
_REASONS = {
    "missing": "is required",
    "extra_forbidden": "is not allowed",
    "string_unicode": "must be well-formed Unicode",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "blank": "must not be blank",
}
_TYPES = {
    "model": "object",
    "dict": "object",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
}


class Input(BaseModel):
    """Base of a tool's input: closed, and nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Output(BaseModel):
    """Base of a tool's output: open, so that a property can be added."""

    model_config = ConfigDict(frozen=True)


def _not_blank(text: str) -> str:
    if not strip(text):
        raise PydanticCustomError("blank", "must not be blank")
    return text


def _whole(value: object) -> object:
    """Let 10.0 be an integer, as JSON Schema has it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


NotBlank = AfterValidator(_not_blank)
Integer = Annotated[int, BeforeValidator(_whole)]


def canonical_schema(
    model: type[BaseModel], mode: Literal["validation", "serialization"]
) -> dict[str, Any]:
    """Return the model's JSON Schema without `$ref`, titles, nullable unions and null defaults.

    Clients and model providers reject these, and an optional property is absent, never null.
    """
    schema = model.model_json_schema(mode=mode)
    schema.pop("description", None)  # the docstring: said to who reads the code
    return _flatten(schema, schema.pop("$defs", {}))


def _flatten(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    node = dict(node)
    if reference := node.pop("$ref", None):
        node = {**definitions[reference.rpartition("/")[2]], **node}
    if options := [o for o in node.pop("anyOf", ()) if o.get("type") != "null"]:
        node = {**options[0], **node}
    for noise in ("title", "$defs"):
        node.pop(noise, None)
    if node.get("default", ...) is None:
        del node["default"]
    if node.get("additionalProperties") is True:
        del node["additionalProperties"]
    if properties := node.get("properties"):
        node["properties"] = {k: _flatten(v, definitions) for k, v in properties.items()}
    if required := node.get("required"):
        node["required"] = sorted(required)
    return node


def validate(model: type[ModelT], arguments: Mapping[str, Any]) -> ModelT:
    """Return `arguments` as `model`.

    Raises AppError `invalid_argument` naming each field and its reason, never the value.
    """
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        raise _invalid(error.errors(include_input=False, include_url=False)) from None


def _invalid(errors: list[ErrorDetails]) -> AppError:
    fields: dict[str, str] = {}
    known = [e for e in errors if e["type"] != "extra_forbidden"]
    extra = sorted((e for e in errors if e["type"] == "extra_forbidden"), key=_path)
    for error in (*known, *extra):
        fields.setdefault(_path(error), _reason(error))
    listed = [{"field": field, "reason": reason} for field, reason in fields.items()]
    text = "; ".join(f"{field} {reason}" for field, reason in fields.items())
    return AppError("invalid_argument", f"Invalid arguments: {text}", {"fields": listed})


def _path(error: ErrorDetails) -> str:
    parts = [str(part) for part in error["loc"]]
    parts[-1] = parts[-1][:_NAME_LIMIT]
    path = ".".join(parts)
    return path.encode("utf-8", "replace").decode()


def _reason(error: ErrorDetails) -> str:
    kind = error["type"]
    if text := _REASONS.get(kind):
        return text.format_map(error.get("ctx", {}))
    noun = kind.partition("_")[0]
    noun = _TYPES.get(noun, noun)
    return f"must be {'an' if noun[0] in 'aeiou' else 'a'} {noun}"
