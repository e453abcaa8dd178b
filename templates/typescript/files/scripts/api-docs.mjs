// Writes docs/api.md from contracts/; `apiDocs` is what it must hold.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';

/**
 * @typedef {{ code: string, description: string }} DocumentedError
 * @typedef {{ name: string, description?: string, required?: boolean }} Argument
 * @typedef {{
 *   type?: string, description?: string, properties?: Record<string, Schema>, required?: string[], items?: Schema,
 *   enum?: unknown[], pattern?: string, format?: string, default?: unknown, minLength?: number, maxLength?: number,
 *   minItems?: number, maxItems?: number, minimum?: number, maximum?: number,
 * }} Schema
 * @typedef {{
 *   name: string, title: string, description: string, version: string, uri?: string, uriTemplate?: string,
 *   mimeType?: string, scope?: string, sideEffects?: string, annotations?: Record<string, boolean>,
 *   errors: DocumentedError[], inputSchema: Schema, outputSchema: Schema, arguments?: Argument[],
 * }} Contract
 */

const HINTS = /** @type {const} */ ([
  ['readOnlyHint', 'read-only'],
  ['destructiveHint', 'destructive'],
  ['idempotentHint', 'idempotent'],
  ['openWorldHint', 'open world'],
]);
const FACTS = /** @type {const} */ ([
  ['uri', 'URI'],
  ['uriTemplate', 'URI template'],
  ['mimeType', 'MIME type'],
  ['scope', 'Scope'],
]);
const RANGES = /** @type {const} */ ([
  ['length', 'minLength', 'maxLength'],
  ['items', 'minItems', 'maxItems'],
  ['value', 'minimum', 'maximum'],
]);

const text = (value = '') => value.replaceAll('\n', ' ').replaceAll('<', '&lt;');

/** @param {string} value */
const code = (value) => (value.includes('`') ? `\`\` ${value} \`\`` : `\`${value}\``);

/**
 * JSON without spaces, keys sorted.
 * @param {unknown} value
 * @returns {string}
 */
function compact(value) {
  if (Array.isArray(value)) return `[${value.map(compact).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${compact(member)}`).join(',')}}`;
}

/**
 * @param {string[]} head
 * @param {string[][]} rows
 */
function table(head, rows) {
  const line = (/** @type {string[]} */ cells) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/**
 * @param {Schema} schema
 * @returns {string}
 */
function typeOf({ type = 'any', items = {} }) {
  return type === 'array' ? `array of ${typeOf(items)}` : type;
}

/** @param {Schema} schema */
function constraints(schema) {
  const ranges = RANGES.map(([label, low, high]) => {
    const [min, max] = [schema[low], schema[high]];
    if (min === undefined) return max !== undefined && `${label} at most ${max}`;
    return max === undefined ? `${label} at least ${min}` : `${label} ${min} to ${max}`;
  });
  const parts = [
    schema.enum && `one of ${schema.enum.map((value) => code(compact(value))).join(', ')}`,
    ...ranges,
    schema.pattern !== undefined && `matches ${code(schema.pattern)}`,
    schema.format !== undefined && `format ${code(schema.format)}`,
    'default' in schema && `default ${code(compact(schema.default))}`,
  ];
  return parts.filter(Boolean).join('; ');
}

/**
 * A row for each property, required ones first; right after it, those of its children.
 * @param {Schema} schema
 * @param {string} prefix
 * @returns {string[][]}
 */
function fieldRows({ properties = {}, required = [] }, prefix = '') {
  const optional = (/** @type {string} */ name) => Number(!required.includes(name));
  const names = Object.keys(properties).sort(
    (a, b) => optional(a) - optional(b) || (a < b ? -1 : 1),
  );
  return names.flatMap((name) => {
    let path = prefix + name;
    let node = properties[name] ?? {};
    const meaning = text(node.description);
    const row = [
      code(path),
      typeOf(node),
      optional(name) ? 'no' : 'yes',
      constraints(node),
      meaning,
    ];
    while (node.type === 'array') {
      path += '[]';
      node = node.items ?? {};
    }
    return [row, ...fieldRows(node, `${path}.`)];
  });
}

/** @param {Schema} schema */
function fields(schema) {
  const rows = fieldRows(schema);
  if (rows.length === 0) return 'None.';
  return table(['field', 'type', 'required', 'constraints', 'meaning'], rows);
}

/** @param {DocumentedError[]} errors */
function errorTable(errors) {
  return table(
    ['code', 'when'],
    errors.map((error) => [code(error.code), text(error.description)]),
  );
}

/** @param {Contract} contract */
function head(contract) {
  const { name, title, description, annotations, sideEffects, version } = contract;
  const facts = FACTS.flatMap(([key, label]) => {
    const value = contract[key];
    return value === undefined ? [] : [`${label}: ${code(value)}`];
  });
  if (annotations) {
    const words = HINTS.map(([key, word]) => (annotations[key] ? word : `not ${word}`));
    facts.push(`Annotations: ${words.join(', ')}`);
  }
  if (sideEffects !== undefined) facts.push(`Side effects: ${text(sideEffects)}`);
  facts.push(`Contract version: ${version}`);
  return [
    `### ${code(name)}`,
    `${text(title)}. ${text(description)}`,
    facts.map((fact) => `- ${fact}`).join('\n'),
  ];
}

/**
 * @param {Contract} contract
 * @param {DocumentedError[]} common
 */
function tool(contract, common) {
  const own = contract.errors.filter((error) => !includes(common, error));
  return [
    ...head(contract),
    ...['Input:', fields(contract.inputSchema), 'Output:', fields(contract.outputSchema)],
    ...(own.length > 0 ? ['Errors, besides those of every tool:', errorTable(own)] : []),
  ];
}

/** @param {Contract} contract */
function prompt(contract) {
  const rows = (contract.arguments ?? []).map(({ name, required, description }) => [
    code(name),
    required ? 'yes' : 'no',
    text(description),
  ]);
  const list = rows.length > 0 ? table(['argument', 'required', 'meaning'], rows) : 'None.';
  return [...head(contract), 'Arguments:', list];
}

/**
 * @param {DocumentedError[]} errors
 * @param {DocumentedError} wanted
 */
function includes(errors, wanted) {
  return errors.some((error) => isDeepStrictEqual(error, wanted));
}

/**
 * @param {string} folder
 * @returns {Contract[]}
 */
function read(folder) {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return files.sort().map((file) => {
    /** @type {unknown} */
    const contract = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    return /** @type {Contract} */ (contract);
  });
}

/**
 * The text of docs/api.md.
 * @param {string} folder
 */
export function apiDocs(folder) {
  const tools = read(join(folder, 'tools'));
  const common = (tools[0]?.errors ?? []).filter((error) =>
    tools.every(({ errors }) => includes(errors, error)),
  );
  const blocks = [
    ...['# API', 'Written by `make docs` from `contracts/`; do not edit.', '## Tools'],
    ...(common.length > 0 ? ['Errors of every tool:', errorTable(common)] : []),
    ...tools.flatMap((contract) => tool(contract, common)),
    ...['## Resources', ...read(join(folder, 'resources')).flatMap(head)],
    ...['## Prompts', ...read(join(folder, 'prompts')).flatMap(prompt)],
  ];
  return `${blocks.join('\n\n')}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(join('docs', 'api.md'), apiDocs('contracts'));
}
