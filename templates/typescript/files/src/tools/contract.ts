/** What a tool, a resource and a prompt are made of. */
import type * as z from 'zod';

import type { ErrorCode } from '../errors.js';
import type { JsonObject } from '../json.js';
import { type JsonSchema, jsonSchema, parseArguments } from '../schema.js';
import type { Settings } from '../settings.js';
import type { ToolContext } from './tools.js';

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

/** Settings that must be set or true for an entry to be offered. */
type Needs = readonly ('enableWrites' | 'apiBaseUrl')[];

interface ToolEntry<I extends z.ZodObject, O extends z.ZodObject> extends Contract {
  readonly scope: string;
  readonly annotations: {
    readonly readOnlyHint: boolean;
    readonly destructiveHint: boolean;
    readonly idempotentHint: boolean;
    readonly openWorldHint: boolean;
  };
  readonly sideEffects: string;
  /** Documented errors besides those of every tool: code → when. */
  readonly errors?: Partial<Record<ErrorCode, string>>;
  readonly needs?: Needs;
  readonly input: I;
  readonly output: O;
  readonly run: (input: z.output<I>, context: ToolContext) => z.input<O> | Promise<z.input<O>>;
}

export interface Tool extends Omit<ToolEntry<z.ZodObject, z.ZodObject>, 'run' | 'errors'> {
  readonly errors: Readonly<Partial<Record<ErrorCode, string>>>;
  readonly inputSchema: JsonSchema;
  readonly outputSchema: JsonSchema;
  /** Validates, runs and checks the result. @throws AppError `invalid_argument` and what the tool throws */
  readonly call: (args: unknown, context: ToolContext) => Promise<JsonObject>;
}

export interface Resource extends Contract {
  /** A URI, or a template with one `{variable}`. */
  readonly uri: string;
  readonly scope: string;
  readonly mimeType: string;
  readonly needs?: Needs;
}

export interface Prompt extends Contract {
  /** Required arguments: name → meaning. */
  readonly arguments: Readonly<Record<string, string>>;
  readonly render: (args: Readonly<Record<string, string>>) => string;
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
  entry: ToolEntry<I, O>,
): Tool {
  const { run, ...rest } = entry;
  return {
    ...rest,
    errors: { ...COMMON_ERRORS, ...entry.errors },
    inputSchema: jsonSchema(entry.input, 'input'),
    outputSchema: jsonSchema(entry.output, 'output'),
    call: async (args, context) =>
      entry.output.parse(await run(parseArguments(entry.input, args), context)),
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

export function isOffered({ needs = [] }: { readonly needs?: Needs }, settings: Settings): boolean {
  return needs.every((need) => Boolean(settings[need]));
}
