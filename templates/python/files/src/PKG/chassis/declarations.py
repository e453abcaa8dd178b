"""What a server offers, declared: tools, resources, prompts, services, and the whole of them.

A decorator turns a function into its declaration: the name is the function's, the description its
docstring, the schemas come from its annotations.
"""

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Self, TypedDict, TypeVar, Unpack, get_type_hints

from .context import Context
from .observability.metrics import Metrics
from .schemas import Input, Output
from .settings.settings import Settings

InputT = TypeVar("InputT", bound=Input)
OutputT = TypeVar("OutputT", bound=Output)

COMMON_ERRORS = {
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
"""What every tool may answer: code to meaning."""


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
    """What tools, resources and prompts have in common.

    `version` is the contract's semver; `needs` names the settings that must be set for it to be
    offered.
    """

    name: str
    title: str
    description: str
    version: str = "1.0.0"
    deprecated: Deprecation | None = None
    needs: tuple[str, ...] = ()

    @property
    def full_description(self) -> str:
        """The description, and the deprecation if there is one."""
        return f"{self.description} {self.deprecated}" if self.deprecated else self.description


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool(Contract, Generic[InputT, OutputT]):
    """A tool; calling it runs its function, as a test of its logic does."""

    run: Callable[[InputT, Any], Awaitable[OutputT]]
    input: type[InputT]
    output: type[OutputT]
    scope: str
    annotations: Annotations
    side_effects: str = "None."
    errors: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float | None = None
    """A time below MCP_TOOL_TIMEOUT_SECONDS for this tool alone."""

    @property
    def all_errors(self) -> Mapping[str, str]:
        """Every documented error: code to meaning."""
        return {**COMMON_ERRORS, **self.errors}

    async def __call__(self, request: InputT, context: Context) -> OutputT:
        """Run the tool."""
        return await self.run(request, context)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(Contract):
    """A resource at `uri`, or all those that match it when it holds a `{variable}`."""

    uri: str
    read: Callable[..., Awaitable[Any]]
    scope: str
    mime_type: str = "application/json"

    @property
    def is_template(self) -> bool:
        """Whether the URI holds a variable."""
        return "{" in self.uri

    def match(self, uri: str) -> dict[str, str] | None:
        """Return the values of the variables if `uri` is one of this resource's."""
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/?#]+)", re.escape(self.uri))
        found = re.fullmatch(pattern, uri)
        return found.groupdict() if found else None

    async def __call__(self, context: Context, **variables: str) -> Any:
        """Read the resource."""
        return await self.read(context, **variables)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt(Contract):
    """A prompt with required arguments: name to meaning."""

    arguments: Mapping[str, str]
    render: Callable[..., str]

    def __call__(self, **arguments: str) -> str:
        """Return the text of the prompt."""
        return self.render(**arguments)


class Service(ABC):
    """An external service that tools use; `name` labels its health, metrics and errors."""

    name: ClassVar[str]

    @classmethod
    @abstractmethod
    def connect(cls, settings: Any, metrics: Metrics) -> Self | None:
        """Return the service as the settings have it, or None when they leave it out."""

    @property
    @abstractmethod
    def healthy(self) -> bool:
        """Whether it answered when last asked; causes no call."""

    @abstractmethod
    async def aclose(self) -> None:
        """Close what is open towards it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """All that a server is made of besides the chassis; `instructions` are told to clients."""

    instructions: str
    settings: type[Settings] = Settings
    context: type[Context] = Context
    tools: tuple[Tool[Any, Any], ...] = ()
    resources: tuple[Resource, ...] = ()
    prompts: tuple[Prompt, ...] = ()
    services: tuple[type[Service], ...] = ()


class Options(TypedDict, total=False):
    """The fields of `Contract` that a declaration may leave out."""

    version: str
    deprecated: Deprecation | None
    needs: tuple[str, ...]


class ToolOptions(Options, total=False):
    """The fields of `Tool` that a declaration may leave out."""

    side_effects: str
    errors: Mapping[str, str]
    timeout_seconds: float | None


def tool(
    *, title: str, scope: str, annotations: Annotations, **options: Unpack[ToolOptions]
) -> Callable[[Callable[[InputT, Any], Awaitable[OutputT]]], Tool[InputT, OutputT]]:
    """Declare a tool: an async function of its input and a context that returns its output.

    What it raises but AppError reaches the client as `internal`, without its text.
    """

    def declare(run: Callable[[InputT, Any], Awaitable[OutputT]]) -> Tool[InputT, OutputT]:
        hints = get_type_hints(run)
        request, *_ = inspect.signature(run).parameters
        return Tool(
            name=run.__name__,
            title=title,
            description=_description(run),
            run=run,
            input=hints[request],
            output=hints["return"],
            scope=scope,
            annotations=annotations,
            **options,
        )

    return declare


def resource(
    uri: str, *, title: str, scope: str, **options: Unpack[Options]
) -> Callable[[Callable[..., Awaitable[Any]]], Resource]:
    """Declare a resource: an async function of a context and of the variables in `uri`.

    It returns what the client reads as JSON.
    """

    def declare(read: Callable[..., Awaitable[Any]]) -> Resource:
        return Resource(
            name=read.__name__,
            title=title,
            description=_description(read),
            uri=uri,
            read=read,
            scope=scope,
            **options,
        )

    return declare


def prompt(*, title: str, **options: Unpack[Options]) -> Callable[[Callable[..., str]], Prompt]:
    """Declare a prompt: a function of texts, each `Annotated` with its meaning, to a text."""

    def declare(render: Callable[..., str]) -> Prompt:
        hints = get_type_hints(render, include_extras=True)
        arguments = {
            name: hints[name].__metadata__[0] for name in inspect.signature(render).parameters
        }
        return Prompt(
            name=render.__name__,
            title=title,
            description=_description(render),
            arguments=arguments,
            render=render,
            **options,
        )

    return declare


def _description(function: Callable[..., Any]) -> str:
    """Return a docstring in one line."""
    description = " ".join((function.__doc__ or "").split())
    if not description:
        raise TypeError(f"{function.__name__} needs a docstring: clients read it")
    return description
