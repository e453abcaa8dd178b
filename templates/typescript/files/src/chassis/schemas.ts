/** Building blocks for tool schemas: zod types that validate and describe themselves as contracts do. */
import * as z from 'zod';

import { AppError } from './errors.js';
import { isObject, type JsonObject } from './json.js';
import { codePoints, isBlank, isWellFormed } from './text.js';

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface FieldError {
  readonly field: string;
  readonly reason: string;
}

interface TextRules {
  /** Lengths in code points. */
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: RegExp;
  readonly blank?: false;
}

const MAX_KEY_LENGTH = 64;

const TYPES: Readonly<Record<string, string>> = {
  string: 'must be a string',
  number: 'must be a number',
  boolean: 'must be a boolean',
  object: 'must be an object',
};

/** A string; the first broken rule is reported: well-formed, length, pattern, blank. */
export function text({ min, max, pattern, blank }: TextRules = {}) {
  let schema = z
    .string()
    .refine(isWellFormed, { error: 'must be well-formed Unicode', abort: true });
  if (min !== undefined) {
    const error = `must have at least ${min} characters`;
    schema = schema.refine((value) => codePoints(value) >= min, { error, abort: true });
  }
  if (max !== undefined) {
    const error = `must have at most ${max} characters`;
    schema = schema.refine((value) => codePoints(value) <= max, { error, abort: true });
  }
  if (pattern)
    schema = schema.regex(pattern, { error: `must match ${pattern.source}`, abort: true });
  if (blank === false) schema = schema.refine((value) => !isBlank(value), 'must not be blank');
  return schema.meta({
    ...(min !== undefined && { minLength: min }),
    ...(max !== undefined && { maxLength: max }),
  });
}

/** An integer; `z.int()` would put the bounds of safe integers into schema and messages. */
export function integer({ min, max }: { min: number; max?: number }) {
  const schema = z
    .number({ error: ({ input }) => (input === undefined ? undefined : 'must be an integer') })
    .refine(Number.isInteger, { error: 'must be an integer', abort: true })
    .min(min, `must be at least ${min}`);
  const bounded = max === undefined ? schema : schema.max(max, `must be at most ${max}`);
  return bounded.meta({ type: 'integer' });
}

/** An instant as RFC 3339 text in UTC. */
export function timestamp() {
  return z.string().meta({ format: 'date-time' });
}

/** A JSON object of unknown shape; `z.record` would lose a key `__proto__`. */
export function jsonObject() {
  return z.custom<JsonObject>(isObject).meta({ type: 'object' });
}

/** The JSON Schema that clients see: no `$schema`, nothing that only says "anything else is fine". */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const document = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema: node }) => {
      if (node.additionalProperties !== false) delete node.additionalProperties;
      delete node.propertyNames;
    },
  });
  delete document.$schema;
  return document;
}

/** @throws AppError `invalid_argument`, one reason a field: known fields in order, then unknown keys sorted. */
export function parseArguments<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value, { error: reason });
  if (result.success) return result.data;
  const fields = fieldErrors(result.error.issues);
  const list = fields.map(({ field, reason }) => `${field} ${reason}`).join('; ');
  throw new AppError('invalid_argument', {
    message: `Invalid arguments: ${list}`,
    details: { fields },
  });
}

/** For the checks that zod names itself; the helpers above name their own reasons. */
function reason(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type') {
    return issue.input === undefined ? 'is required' : TYPES[issue.expected];
  }
  if (issue.code === 'too_small') return `must be at least ${issue.minimum}`;
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}`;
  return undefined;
}

function fieldErrors(issues: readonly z.core.$ZodIssue[]): FieldError[] {
  const known = new Map<string, FieldError>();
  const unknown: FieldError[] = [];
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) {
        const field = [...issue.path, truncate(key)].join('.');
        unknown.push({ field, reason: 'is not allowed' });
      }
      continue;
    }
    const field = issue.path.join('.');
    if (!known.has(field)) known.set(field, { field, reason: issue.message });
  }
  unknown.sort((a, b) => (a.field < b.field ? -1 : 1));
  return [...known.values(), ...unknown];
}

function truncate(key: string): string {
  return Array.from(key.toWellFormed()).slice(0, MAX_KEY_LENGTH).join('');
}
