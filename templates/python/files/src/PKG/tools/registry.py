"""What the server offers: one entry for each tool, resource and prompt.

To add a tool, write its function in `tools`, its models in `models`, and an entry here; then run
`make contracts docs`.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from . import models, tools

if TYPE_CHECKING:
    from ..settings import Settings

ToolFunction = Callable[[Any, tools.ToolContext], Awaitable[BaseModel]]
ResourceFunction = Callable[[Mapping[str, str], tools.ToolContext], Awaitable[Any]]

_COMMON_ERRORS = {
    "insufficient_scope": "The token lacks the tool's scope.",
    "internal": "An unexpected failure; quote the correlation id.",
    "invalid_argument": "An argument is missing, unknown, of the wrong type or out of range.",
    "overloaded": "Too many calls are running and waiting.",
    "rate_limited": "The caller's rate limit is used up.",
    "result_too_large": "The result is larger than MCP_MAX_RESULT_BYTES.",
    "shutting_down": "The server is stopping; call again.",
    "timeout": "The call did not finish within MCP_TOOL_TIMEOUT_SECONDS.",
    "unauthenticated": "No valid bearer token was sent.",
}
_NO_STATE = "The state store cannot be reached."
_NO_OPERATION = "The caller has no such operation."


@dataclass(frozen=True, slots=True)
class Deprecation:
    """A contract on its way out; its description says so, each use is logged and counted."""

    since: str
    replaced_by: str
    removed_in: str

    def __str__(self) -> str:
        return (
            f"Deprecated since {self.since}; use {self.replaced_by}; removed in {self.removed_in}."
        )


@dataclass(frozen=True, slots=True)
class Annotations:
    """Hints for clients: whether a tool changes something, and whether outside this server."""

    read_only: bool
    destructive: bool = False
    idempotent: bool = True
    open_world: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What tools, resources and prompts have in common; `version` is the contract's semver."""

    name: str
    title: str
    description: str
    version: str = "1.0.0"
    deprecated: Deprecation | None = None

    @property
    def full_description(self) -> str:
        """The description, and the deprecation if there is one."""
        return f"{self.description} {self.deprecated}" if self.deprecated else self.description


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool(Contract):
    """A tool; `needs` names the settings that must be set for it to be offered."""

    run: ToolFunction
    input: type[BaseModel]
    output: type[BaseModel]
    scope: str
    annotations: Annotations
    side_effects: str = "None."
    errors: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    @property
    def all_errors(self) -> Mapping[str, str]:
        """Every documented error: code to meaning."""
        return {**_COMMON_ERRORS, **self.errors}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(Contract):
    """A resource at `uri`, or all those that match it when it holds a `{variable}`."""

    uri: str
    read: ResourceFunction
    scope: str
    mime_type: str = "application/json"
    needs: tuple[str, ...] = ()

    @property
    def is_template(self) -> bool:
        """Whether the URI holds a variable."""
        return "{" in self.uri


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt(Contract):
    """A prompt with required arguments (name to meaning); `template` is filled with them."""

    arguments: Mapping[str, str]
    template: str

    def render(self, arguments: Mapping[str, str]) -> str:
        """Return the text of the prompt."""
        return self.template.format_map(arguments)


TOOLS: tuple[Tool, ...] = (
    Tool(
        name="process_text",
        title="Process text",
        description="Trim a text, optionally convert it to upper case, "
        "and count its characters and words.",
        run=tools.process_text,
        input=models.ProcessTextInput,
        output=models.ProcessTextOutput,
        scope="text:read",
        annotations=Annotations(read_only=True),
    ),
    Tool(
        name="lookup_record",
        title="Look up a record",
        description="Fetch one record by its id from the external records service.",
        run=tools.lookup_record,
        input=models.LookupRecordInput,
        output=models.LookupRecordOutput,
        scope="records:read",
        annotations=Annotations(read_only=True, open_world=True),
        side_effects="None; sends one read request to the external service.",
        errors={
            "record_not_found": "The service has no such record.",
            "dependency_unavailable": "The external service cannot be reached or answers wrongly.",
        },
        needs=("api_base_url",),
    ),
    Tool(
        name="start_operation",
        title="Start an operation",
        description="Start a long-running operation; follow it with check_operation_status.",
        run=tools.start_operation,
        input=models.StartOperationInput,
        output=models.StartOperationOutput,
        scope="operations:write",
        annotations=Annotations(read_only=False, idempotent=False),
        side_effects="Creates an operation that runs in the background "
        "and is kept until its time to live ends.",
        errors={
            "state_conflict": "The idempotency key was used with other arguments.",
            "too_many_operations": "The caller has MCP_MAX_OPERATIONS running operations.",
            "dependency_unavailable": _NO_STATE,
        },
        needs=("enable_writes",),
    ),
    Tool(
        name="check_operation_status",
        title="Check an operation",
        description="Report an operation's status and progress, "
        "optionally waiting for a change of status.",
        run=tools.check_operation_status,
        input=models.CheckOperationInput,
        output=models.CheckOperationOutput,
        scope="operations:read",
        annotations=Annotations(read_only=True),
        errors={"operation_not_found": _NO_OPERATION, "dependency_unavailable": _NO_STATE},
        needs=("enable_writes",),
    ),
    Tool(
        name="cancel_operation",
        title="Cancel an operation",
        description="Stop a running operation; what it has done so far is not undone.",
        run=tools.cancel_operation,
        input=models.CancelOperationInput,
        output=models.CancelOperationOutput,
        scope="operations:write",
        annotations=Annotations(read_only=False, destructive=True),
        side_effects="Stops the operation for good.",
        errors={
            "operation_not_found": _NO_OPERATION,
            "state_conflict": "The operation has completed or failed.",
            "dependency_unavailable": _NO_STATE,
        },
        needs=("enable_writes",),
    ),
)

RESOURCES: tuple[Resource, ...] = (
    Resource(
        name="server_settings",
        title="Server settings",
        description="The server's effective settings, version and capabilities as JSON, "
        "without secrets.",
        uri="config://server-settings",
        read=tools.read_server_settings,
        scope="config:read",
    ),
    Resource(
        name="operation",
        title="Operation",
        description="Status, progress and result of one of the caller's operations as JSON.",
        uri="operation://{operation_id}",
        read=tools.read_operation,
        scope="operations:read",
        needs=("enable_writes",),
    ),
)

PROMPTS: tuple[Prompt, ...] = (
    Prompt(
        name="summarize_text",
        title="Summarize a text",
        description="Ask for a summary of a text in three sentences or fewer.",
        arguments={"text": "Text to summarize."},
        template="Summarize the following text in three sentences or fewer.\n\n{text}",
    ),
)


@dataclass(frozen=True, slots=True)
class FoundResource:
    """A resource and the values of the variables in its URI."""

    resource: Resource
    variables: Mapping[str, str]


def find_resource(resources: Mapping[str, Resource], uri: object) -> FoundResource | None:
    """Return the resource that `uri` names."""
    for resource in resources.values():
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/?#]+)", re.escape(resource.uri))
        if match := re.fullmatch(pattern, uri if isinstance(uri, str) else ""):
            return FoundResource(resource, match.groupdict())
    return None


def enabled_tools(settings: "Settings") -> dict[str, Tool]:
    """Return the tools that `settings` offer, by name, in the order of `TOOLS`."""
    wanted = set(settings.tools_enabled or (tool.name for tool in TOOLS))
    wanted -= set(settings.tools_disabled)
    return {t.name: t for t in TOOLS if t.name in wanted and _met(t.needs, settings)}


def enabled_resources(settings: "Settings") -> dict[str, Resource]:
    """Return the resources that `settings` offer, by name."""
    return {r.name: r for r in RESOURCES if _met(r.needs, settings)}


def _met(needs: tuple[str, ...], settings: "Settings") -> bool:
    return all(getattr(settings, need) for need in needs)
