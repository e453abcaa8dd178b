/** What a server can offer: tools, resources, prompts, and the services behind them. */
import type * as z from 'zod';

import type { ErrorCode } from './errors.js';
import type { JsonObject } from './json.js';
import type { CallLimits } from './limits.js';
import type { ClientOptions, ServiceClient } from './resilience/http-client.js';
import { type JsonSchema, jsonSchema, parseArguments } from './schemas.js';
import type { Definitions, StandardSettings } from './settings/settings.js';
import type { Operations } from './state/operations.js';

/** Everything that a server is made of besides the chassis. */
export interface ServerDefinition {
  /** What it is for and where its boundary lies, for the model that uses it. */
  readonly instructions: string;
  readonly settings: Definitions;
  readonly tools: readonly Tool[];
  readonly resources: readonly Resource[];
  readonly prompts: readonly Prompt[];
  readonly services: readonly Service<unknown>[];
}

/** What the function behind a tool or resource may use. */
export interface CallTools {
  readonly subject: string;
  readonly operations: Operations;
  /** Its signal aborts when the caller gave up or the time is over. */
  readonly limits: CallLimits;
  /** The client of a service. @throws AppError `dependency_unavailable` when its settings are unset */
  readonly use: <T>(service: Service<T>) => T;
  /** Name, version, capabilities and effective settings of this server, without secrets. */
  readonly describeServer: () => Promise<JsonObject>;
}

export interface ToolContext extends CallTools {
  /** Tells the client the share (0–1) that is done; does nothing if it did not ask. */
  readonly reportProgress: (progress: number) => Promise<void>;
  /** Waits without holding a place among the running calls; `undefined` at once when too many do. */
  readonly waiting: <T>(wait: () => Promise<T>) => Promise<T | undefined>;
}

/** A contract on its way out: its description says so, each use is logged and counted. */
export interface Deprecation {
  readonly since: string;
  readonly replacedBy: string;
  readonly removedIn: string;
}

/** What tools, resources and prompts have in common; `version` is the contract's semver. */
export interface Contract {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly version: string;
  readonly deprecated?: Deprecation;
}

interface Offer extends Contract {
  readonly scope: string;
  /** Offered only when these services have their settings. */
  readonly uses?: readonly Service<unknown>[];
  /** Offered only with settings that it approves of; it may ask for the server's own. */
  needs?(settings: StandardSettings): boolean;
}

export interface Tool extends Offer {
  readonly annotations: {
    readonly readOnlyHint: boolean;
    readonly destructiveHint: boolean;
    readonly idempotentHint: boolean;
    readonly openWorldHint: boolean;
  };
  readonly sideEffects: string;
  /** Documented errors: code → when. */
  readonly errors: Readonly<Record<string, string>>;
  readonly inputSchema: JsonSchema;
  readonly outputSchema: JsonSchema;
  /** Validates, runs and checks the result. @throws AppError `invalid_argument` and what the tool throws */
  readonly call: (args: unknown, context: ToolContext) => Promise<JsonObject>;
}

/** As a tool is written; `errors` are those besides the ones that every tool has. */
interface ToolDeclaration<I extends z.ZodObject, O extends z.ZodObject> extends Omit<
  Tool,
  'errors' | 'inputSchema' | 'outputSchema' | 'call'
> {
  readonly errors?: Readonly<Record<string, string>>;
  readonly input: I;
  readonly output: O;
  readonly run: (input: z.output<I>, context: ToolContext) => z.input<O> | Promise<z.input<O>>;
}

export interface Resource extends Offer {
  /** A URI, or a template with one `{variable}` at its end. */
  readonly uri: string;
  readonly mimeType: string;
  /** Its content: text, or a value that is sent as JSON. `variable` is the template's. */
  readonly read: (variable: string, context: CallTools) => unknown;
}

export interface Prompt extends Contract {
  /** Required arguments: name → meaning. */
  readonly arguments: Readonly<Record<string, string>>;
  readonly render: (args: Readonly<Record<string, string>>) => string;
}

/** An external service: how its client is made, and its name in health, metrics and messages. */
export interface Service<T> {
  readonly name: string;
  /** `undefined` when the settings leave it out; they may be the server's own. */
  create(
    settings: StandardSettings,
    connect: (options: ClientOptions) => ServiceClient,
  ): T | undefined;
}

const COMMON_ERRORS: Partial<Record<ErrorCode, string>> = {
  insufficient_scope: "The token lacks the tool's scope.",
  internal: 'An unexpected failure; quote the correlation id.',
  invalid_argument: 'An argument is missing, unknown, of the wrong type or out of range.',
  overloaded: 'Too many calls are running and waiting.',
  rate_limited: "The caller's rate limit is used up.",
  result_too_large: 'The result is larger than MCP_MAX_RESULT_BYTES.',
  shutting_down: 'The server is stopping; call again.',
  timeout: 'The call did not finish within MCP_TOOL_TIMEOUT_SECONDS.',
  unauthenticated: 'No valid bearer token was sent.',
};

export function defineTool<I extends z.ZodObject, O extends z.ZodObject>(
  declaration: ToolDeclaration<I, O>,
): Tool {
  const { input, output, run, ...rest } = declaration;
  return {
    ...rest,
    errors: { ...COMMON_ERRORS, ...declaration.errors },
    inputSchema: jsonSchema(input, 'input'),
    outputSchema: jsonSchema(output, 'output'),
    call: async (args, context) => output.parse(await run(parseArguments(input, args), context)),
  };
}

/** The resource among `offered` that answers for `uri`, and the value of its template's variable. */
export function findResource(
  offered: readonly Resource[],
  uri: string,
): { readonly resource: Resource; readonly variable: string } | undefined {
  for (const resource of offered) {
    const [prefix = '', rest] = resource.uri.split(/\{\w+\}/);
    if (rest === undefined ? uri === prefix : uri.startsWith(prefix)) {
      return { resource, variable: uri.slice(prefix.length) };
    }
  }
  return undefined;
}

/** The description as clients see it: a deprecated contract says so. */
export function fullDescription({ description, deprecated }: Contract): string {
  if (!deprecated) return description;
  const { since, replacedBy, removedIn } = deprecated;
  return `${description} Deprecated since ${since}; use ${replacedBy}; removed in ${removedIn}.`;
}
