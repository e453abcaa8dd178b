"""The protocol: what the server offers, bound to the official SDK."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import Any, TypeVar

import anyio
import mcp_types as types
from mcp.server import CacheHint, Server, ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from .. import DESCRIPTION, VERSION, strict_json
from ..app import App
from ..calls import Admission, admitted, check_scope, error_text
from ..context import Caller, Context, caller
from ..contracts import prompt_contract, resource_contract, tool_contract
from ..declarations import Resource
from ..errors import AppError
from ..observability.audit import audit, digest
from ..observability.logs import correlation_id, get_logger, new_correlation_id

_FRESH = CacheHint(ttl_ms=60_000, scope="public")
_NOT_ON_THE_WIRE = frozenset({"deprecated", "errors", "scope", "sideEffects", "version"})

_log = get_logger(__name__)

ModelT = TypeVar("ModelT", bound=BaseModel)
RequestContext = ServerRequestContext[Any, Any]


def build_server(app: App) -> Server[Any]:
    """Return the protocol server, for any transport; kinds that have no entry are not offered."""
    handlers = Handlers(app)
    offered: dict[str, Any] = {}
    if "tools" in app.capabilities:
        offered |= {"on_list_tools": handlers.list_tools, "on_call_tool": handlers.call_tool}
    if "resources" in app.capabilities:
        offered |= {
            "on_list_resources": handlers.list_resources,
            "on_list_resource_templates": handlers.list_resource_templates,
            "on_read_resource": handlers.read_resource,
        }
    if "prompts" in app.capabilities:
        offered |= {"on_list_prompts": handlers.list_prompts, "on_get_prompt": handlers.get_prompt}
    server: Server[Any] = Server(
        app.settings.server_name,
        version=VERSION,
        description=DESCRIPTION,
        instructions=app.server.instructions,
        cache_hints={
            "tools/list": _FRESH,
            "resources/list": _FRESH,
            "resources/templates/list": _FRESH,
            "prompts/list": _FRESH,
        },
        get_tool_input_schema=handlers.input_schema,
        **offered,
    )
    server.middleware.append(_name_no_method)
    return server


class Sessions:
    """Answers admitted messages over HTTP.

    A client that asked for progress gets a stream. Everything else is answered with JSON, which
    costs much less: a stream takes the SDK half a dozen tasks.
    """

    def __init__(self, app: App) -> None:
        server = build_server(app)
        limit = 2 * app.settings.max_body_bytes  # the gate's limit holds; escapes may double a body
        self._json, self._stream = (
            StreamableHTTPSessionManager(
                server, json_response=plain, stateless=True, max_request_body_size=limit
            )
            for plain in (True, False)
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run what the SDK needs for both kinds of answers."""
        async with self._json.run(), self._stream.run():
            yield

    async def answer(
        self, params: Mapping[str, Any], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer the message with these params, the one that `receive` gives."""
        wants_progress = "progressToken" in params.get("_meta", {})
        manager = self._stream if wants_progress else self._json
        await manager.handle_request(scope, receive, send)


class Handlers:
    """Answers to the protocol's requests."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._calls = app.calls
        self._tools = {
            name: _wire(types.Tool, tool_contract(tool)) for name, tool in app.tools.items()
        }
        fixed, templates = [], []
        for resource in app.resources.values():
            contract = resource_contract(resource)
            if resource.is_template:
                templates.append(_wire(types.ResourceTemplate, contract))
            else:
                fixed.append(_wire(types.Resource, contract))
        prompts = [_wire(types.Prompt, prompt_contract(each)) for each in app.prompts.values()]
        self._tool_list = types.ListToolsResult(tools=list(self._tools.values()))
        self._resource_list = types.ListResourcesResult(resources=fixed)
        self._templates = types.ListResourceTemplatesResult(resource_templates=templates)
        self._prompt_list = types.ListPromptsResult(prompts=prompts)

    async def list_tools(self, *_: object) -> types.ListToolsResult:
        """List the tools that the settings offer."""
        return self._tool_list

    def input_schema(self, name: str) -> dict[str, Any] | None:
        """Return a tool's schema; without this the SDK would list all tools for each call."""
        tool = self._tools.get(name)
        return tool.input_schema if tool else None

    async def list_resources(self, *_: object) -> types.ListResourcesResult:
        """List the resources with a fixed URI."""
        return self._resource_list

    async def list_resource_templates(self, *_: object) -> types.ListResourceTemplatesResult:
        """List the resources whose URI has variables."""
        return self._templates

    async def list_prompts(self, *_: object) -> types.ListPromptsResult:
        """List the prompts."""
        return self._prompt_list

    async def call_tool(
        self, request: RequestContext, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        """Run a tool. Over HTTP the gate has admitted the call; elsewhere that happens here."""
        tool = self._app.tools.get(params.name)
        if tool is None:
            self._app.metrics.tool_calls.labels("unknown", "client_error").inc()
            raise MCPError(types.INVALID_PARAMS, "Unknown tool")
        if (admission := admitted.get()) and admission.tool is tool:
            return await self._run(request, admission)
        with _identified() as who:
            try:
                admission = await self._calls.admit(tool, params.arguments or {}, who)
            except AppError as error:
                self._calls.refused(error, who, tool.name)
                return _tool_error(error_text(error))
            try:
                return await self._run(request, admission)
            finally:
                admission.close()

    async def read_resource(
        self, request: RequestContext, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        """Read a resource, within the time that a tool has."""
        uri = str(params.uri)
        for resource in self._app.resources.values():
            if (variables := resource.match(uri)) is not None:
                break
        else:
            raise MCPError(types.INVALID_PARAMS, "Unknown resource", {"uri": uri})
        with _identified() as who, self._reading(resource, who):
            check_scope(who.principal, resource.scope)
            self._calls.note_use(resource)
            with anyio.fail_after(self._app.settings.tool_timeout_seconds):
                value = await resource(self._context(request, who), **variables)
            text = strict_json.dumps(value)
        contents = types.TextResourceContents(
            uri=params.uri, mime_type=resource.mime_type, text=text
        )
        return types.ReadResourceResult(contents=[contents])

    async def get_prompt(
        self, _: RequestContext, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult:
        """Fill a prompt with its arguments."""
        prompt = self._app.prompts.get(params.name)
        if prompt is None:
            raise MCPError(types.INVALID_PARAMS, "Unknown prompt")
        given = params.arguments or {}
        if missing := [name for name in prompt.arguments if name not in given]:
            raise MCPError(types.INVALID_PARAMS, f"Missing argument: {', '.join(missing)}")
        arguments = {name: given[name] for name in prompt.arguments}
        with _identified() as who:
            self._calls.note_use(prompt)
            audit(
                "prompt_read",
                subject=who.principal.subject,
                name=prompt.name,
                outcome="success",
                arguments_digest=digest(strict_json.dumps(arguments)),
            )
        text = types.TextContent(text=prompt(**arguments))
        message = types.PromptMessage(role="user", content=text)
        return types.GetPromptResult(description=prompt.full_description, messages=[message])

    async def _run(self, request: RequestContext, admission: Admission) -> types.CallToolResult:
        context = self._context(request, admission.who, admission)
        outcome = await self._calls.run(admission, context)
        if outcome.structured is None:
            return _tool_error(outcome.text)
        return types.CallToolResult(
            content=[types.TextContent(text=outcome.text)], structured_content=outcome.structured
        )

    def _context(
        self, request: RequestContext, who: Caller, admission: Admission | None = None
    ) -> Context:
        async def report_progress(share: float) -> None:
            await request.session.report_progress(share, total=1)

        return self._app.server.context(
            subject=who.principal.subject,
            settings=self._app.settings,
            operations=self._app.operations,
            capabilities=self._app.capabilities,
            services=self._app.services,
            report_progress=report_progress,
            waiting=admission.waiting if admission else lambda: nullcontext(False),  # noqa: FBT003 - no wait
        )

    @contextmanager
    def _reading(self, resource: Resource, who: Caller) -> Iterator[None]:
        """Audit a read; what goes wrong becomes a JSON-RPC error that reveals nothing."""
        outcome = "success"
        try:
            try:
                yield
            except TimeoutError:
                raise AppError("timeout") from None
            except AppError:
                raise
            except Exception:  # noqa: BLE001 - a failing resource must not take the server with it
                _log.exception("resource.crashed", resource_name=resource.name)
                raise AppError("internal") from None
        except AppError as error:
            outcome = error.category.value
            raise _protocol_error(error) from None
        finally:
            subject, scopes = who.principal.subject, [resource.scope]
            audit(
                "resource_read", subject=subject, name=resource.name, outcome=outcome, scopes=scopes
            )


async def _name_no_method(ctx: RequestContext, call_next: CallNext) -> HandlerResult:
    """Answer an unknown method without repeating it."""
    try:
        return await call_next(ctx)
    except MCPError as error:
        if error.code == types.METHOD_NOT_FOUND:
            raise MCPError(types.METHOD_NOT_FOUND, "Method not found") from None
        raise


@contextmanager
def _identified() -> Iterator[Caller]:
    """Give the caller, and the request a correlation id if the transport gave it none."""
    if correlation_id.get():
        yield caller.get()
        return
    token = correlation_id.set(new_correlation_id())
    try:
        yield caller.get()
    finally:
        correlation_id.reset(token)


def _tool_error(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=text)], is_error=True)


def _protocol_error(error: AppError) -> MCPError:
    code = types.INTERNAL_ERROR if error.category == "server_error" else types.INVALID_PARAMS
    return MCPError(code, error.message, error.payload(correlation_id.get()))


def _wire(model: type[ModelT], contract: Mapping[str, Any]) -> ModelT:
    """Return what clients see of a contract."""
    return model.model_validate({k: v for k, v in contract.items() if k not in _NOT_ON_THE_WIRE})
