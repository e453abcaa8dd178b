/** Binds what a server offers to the SDK, on both transports and in both protocol eras. */
/* eslint @typescript-eslint/no-deprecated: off -- `Server` is kept for advanced uses, and this is one */
import {
  type CallToolResult,
  ProtocolError,
  ProtocolErrorCode,
  type RequestId,
  type Result,
  Server,
  type ServerContext,
  type StandardSchemaV1,
} from '@modelcontextprotocol/server';

import type { App } from '../app.js';
import { errorAnswer, type ToolAnswer } from '../calls.js';
import { type CallContext, correlationIdFrom, currentContext, runInContext } from '../context.js';
import { type Contract, findResource, fullDescription } from '../declarations.js';
import { toAppError } from '../errors.js';
import { isObject, type JsonObject } from '../json.js';
import { VERSION } from '../package.js';

type Handler = (params: JsonObject, ctx: ServerContext, context: CallContext) => Promise<Result>;

/** `messages.ts` has checked the parameters; the SDK would drop what it does not know. */
const CHECKED: { params: StandardSchemaV1<JsonObject> } = {
  params: {
    '~standard': {
      version: 1,
      vendor: 'checked',
      validate: (value) => ({ value: value as JsonObject }),
    },
  },
};

/**
 * Makes the SDK's servers: one serves one HTTP request or one stdio connection, so that what all of them
 * say is prepared once. The handlers are set on the low-level server because `registerTool` would
 * validate arguments before our error envelope can and answer with raw exception text.
 */
export function protocolServers(
  app: App,
  paramsOf: (id: RequestId) => JsonObject | undefined = () => undefined,
): () => Server {
  const { settings, definition } = app;
  const handlers = Object.entries(handlersOf(app));
  const info = { name: settings.serverName, version: VERSION };
  const options = {
    instructions: definition.instructions,
    capabilities: { tools: {}, resources: {}, prompts: {} },
  };
  return () => {
    const server = new Server(info, options);
    for (const [method, handle] of handlers) {
      server.setRequestHandler(method, CHECKED, (params, ctx) =>
        inContext(app, (context) => {
          const asTheyCame = context.params ?? paramsOf(ctx.mcpReq.id) ?? params;
          return handle(asTheyCame, ctx, context);
        }),
      );
    }
    return server;
  };
}

function handlersOf(app: App): Readonly<Record<string, Handler>> {
  const always = (result: Result) => () => Promise.resolve(result);
  return {
    'tools/list': always({ tools: listTools(app) }),
    'tools/call': (params, ctx, context) => callTool(app, params, ctx, context),
    'resources/list': always({ resources: listResources(app, false) }),
    'resources/templates/list': always({ resourceTemplates: listResources(app, true) }),
    'resources/read': (params, ctx, context) =>
      readResource(app, String(params['uri']), ctx, context),
    'prompts/list': always({ prompts: listPrompts(app) }),
    'prompts/get': (params, _ctx, context) => getPrompt(app, params, context),
  };
}

async function callTool(
  app: App,
  params: JsonObject,
  { mcpReq }: ServerContext,
  context: CallContext,
): Promise<CallToolResult> {
  const { calls, lifecycle, tools } = app;
  const tool = tools.get(String(params['name']));
  if (!tool) {
    calls.unknownTool();
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'Unknown tool');
  }
  const meta = isObject(params['_meta']) ? params['_meta'] : {};
  const progressToken = meta['progressToken'] as string | number | undefined;
  const reportProgress = async (progress: number) => {
    if (progressToken === undefined) return;
    const report = { progressToken, progress, total: 1 };
    await mcpReq.notify({ method: 'notifications/progress', params: report });
  };
  const carrier = { ...context.carrier, ...meta };
  const request = { signal: mcpReq.signal, carrier, reportProgress };
  const args = isObject(params['arguments']) ? params['arguments'] : {};
  // On http a call has ended when its answer is written; the transport knows when that is.
  const ended = context.slot ? undefined : lifecycle.enter();
  try {
    const slot = context.slot ?? (await calls.admit(context.rateKey, mcpReq.signal));
    return toResult(await calls.run(tool, args, request, context, slot));
  } catch (error) {
    if (mcpReq.signal.aborted) throw error;
    const refusal = toAppError(error);
    calls.refused(refusal, context.identity.subject, tool.name);
    return toResult(errorAnswer(refusal, context.correlationId));
  } finally {
    ended?.();
  }
}

async function readResource(
  { resources, calls }: App,
  uri: string,
  { mcpReq }: ServerContext,
  context: CallContext,
) {
  // As the SDK's ResourceNotFoundError, but its message does not repeat what was sent.
  const unknown = new ProtocolError(ProtocolErrorCode.InvalidParams, 'Resource not found', { uri });
  const found = findResource(resources, uri);
  if (!found) throw unknown;
  const { resource, variable } = found;
  try {
    const value = await calls.readResource(resource, variable, context, mcpReq.signal);
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return { contents: [{ uri, mimeType: resource.mimeType, text: text.toWellFormed() }] };
  } catch (error) {
    if (toAppError(error).category === 'business_error') throw unknown;
    throw error;
  }
}

async function getPrompt({ definition, calls }: App, params: JsonObject, context: CallContext) {
  const prompt = definition.prompts.find(({ name }) => name === params['name']);
  if (!prompt) throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'Unknown prompt');
  const args = (params['arguments'] ?? {}) as Readonly<Record<string, string>>;
  const missing = Object.keys(prompt.arguments).find((argument) => !Object.hasOwn(args, argument));
  if (missing !== undefined) {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Missing argument: ${missing}`);
  }
  const text = await calls.readPrompt(prompt, args, context, () => prompt.render(args));
  const content = { type: 'text' as const, text: text.toWellFormed() };
  return { description: fullDescription(prompt), messages: [{ role: 'user' as const, content }] };
}

/** An error boundary around a handler: only what is meant for the client passes. */
async function inContext<T>(app: App, handle: (context: CallContext) => Promise<T>): Promise<T> {
  const { anonymous, logger } = app;
  const context = currentContext() ?? {
    correlationId: correlationIdFrom(),
    identity: anonymous,
    rateKey: anonymous.subject,
  };
  return runInContext(context, async () => {
    try {
      return await handle(context);
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      const known = toAppError(error);
      if (known.code === 'internal')
        logger.error({ logger: 'protocol', err: error }, 'request.crashed');
      const code =
        known.category === 'server_error'
          ? ProtocolErrorCode.InternalError
          : ProtocolErrorCode.InvalidParams;
      throw new ProtocolError(code, known.message, known.payload(context.correlationId));
    }
  });
}

function describe(contract: Contract) {
  return { name: contract.name, title: contract.title, description: fullDescription(contract) };
}

function listTools({ tools }: App) {
  return [...tools.values()].map((tool) => {
    const { annotations, inputSchema, outputSchema } = tool;
    return { ...describe(tool), annotations, inputSchema, outputSchema };
  });
}

function listResources({ resources }: App, templates: boolean) {
  return resources
    .filter(({ uri }) => uri.includes('{') === templates)
    .map((resource) => ({
      ...describe(resource),
      [templates ? 'uriTemplate' : 'uri']: resource.uri,
      mimeType: resource.mimeType,
    }));
}

function listPrompts({ definition }: App) {
  return definition.prompts.map((prompt) => ({
    ...describe(prompt),
    arguments: Object.entries(prompt.arguments).map(([name, description]) => ({
      name,
      description,
      required: true,
    })),
  }));
}

function toResult({ text, content }: ToolAnswer): CallToolResult {
  const result = { content: [{ type: 'text' as const, text }] };
  return content ? { ...result, structuredContent: content } : { ...result, isError: true };
}
