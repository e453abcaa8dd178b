/** The shape of a JSON-RPC message, the same on both transports; what is optional may be null. */
import { PROTOCOL_VERSION_META_KEY } from '@modelcontextprotocol/server';

import { AppError, type ErrorPayload } from '../errors.js';
import { isObject, type JsonObject } from '../json.js';

export const PARSE_ERROR = -32700;
export const INVALID_REQUEST = -32600;
export const INVALID_PARAMS = -32602;

const GENERAL = new Map([
  [PARSE_ERROR, 'Parse error'],
  [INVALID_REQUEST, 'Invalid request'],
]);

export type MessageId = string | number;

/** A request, or a notification when it has no id. */
export interface Message {
  readonly jsonrpc: '2.0';
  readonly id?: MessageId;
  readonly method: string;
  readonly params?: JsonObject;
}

/** What is no message that the protocol could answer; it says so to the client in plain words. */
export class MessageError extends AppError {
  readonly rpcCode: number;
  readonly rpcMessage: string;
  readonly id: MessageId | null;

  constructor(rpcCode: number, reason: string, id: MessageId | null = null) {
    super('invalid_request', { message: reason });
    this.rpcCode = rpcCode;
    this.rpcMessage = GENERAL.get(rpcCode) ?? reason;
    this.id = id;
  }
}

type Check = (value: unknown) => string | undefined;

const isText: Check = (value) => (typeof value === 'string' ? undefined : 'must be a string');
const isMap: Check = (value) => (isObject(value) ? undefined : 'must be an object');
const isToken: Check = (value) =>
  typeof value === 'string' || Number.isSafeInteger(value)
    ? undefined
    : 'must be a string or an integer';

/** Members by the path below `params`, in the order in which they are checked. */
interface Shape {
  readonly required?: Readonly<Record<string, Check>>;
  readonly optional?: Readonly<Record<string, Check>>;
}

const LIST: Shape = { optional: { cursor: isText } };
const SHAPES: Readonly<Record<string, Shape>> = {
  initialize: { required: { protocolVersion: isText, capabilities: isMap, clientInfo: isMap } },
  'tools/call': { required: { name: isText }, optional: { arguments: isMap } },
  'prompts/get': { required: { name: isText }, optional: { arguments: isMap } },
  'resources/read': { required: { uri: isText } },
  'tools/list': LIST,
  'prompts/list': LIST,
  'resources/list': LIST,
  'resources/templates/list': LIST,
};

/**
 * The message in `value`, without members that nobody asked for and without nulls.
 * @throws MessageError
 */
export function readMessage(value: unknown): Message {
  if (!isObject(value)) throw invalidRequest(null);
  const { jsonrpc, id, method, params } = value;
  const readable = isReadableId(id) ? id : null;
  const known = id === undefined || readable !== null;
  if (jsonrpc !== '2.0' || typeof method !== 'string' || !known) throw invalidRequest(readable);
  const shaped = readParams(method, params ?? undefined, readable);
  return {
    jsonrpc,
    ...(readable !== null && { id: readable }),
    method,
    ...(shaped && { params: shaped }),
  };
}

/** A refusal of a message as the protocol writes it. */
export function errorMessage(
  id: MessageId | null,
  code: number,
  message: string,
  data: ErrorPayload,
) {
  return { jsonrpc: '2.0' as const, id, error: { code, message, data } };
}

function invalidRequest(id: MessageId | null): MessageError {
  return new MessageError(INVALID_REQUEST, 'body is not one JSON-RPC request or notification', id);
}

/** Other numbers would come back as another id than the one that was sent. */
function isReadableId(id: unknown): id is MessageId {
  return typeof id === 'string' ? id.isWellFormed() : Number.isSafeInteger(id);
}

function readParams(method: string, value: unknown, id: MessageId | null): JsonObject | undefined {
  if (value !== undefined && !isObject(value)) throw wrong('params must be an object', id);
  const params: Record<string, unknown> = withoutNulls(value ?? {});
  const meta = '_meta' in params ? readMeta(params['_meta'], id) : undefined;
  if (meta) params['_meta'] = meta;
  // 2026-07-28, whose requests name it, has no handshake.
  if (method === 'initialize' && meta && PROTOCOL_VERSION_META_KEY in meta) return params;
  const { required = {}, optional = {} } = SHAPES[method] ?? {};
  for (const [name, check] of Object.entries(required)) {
    demand(check, params[name], `params.${name}`, id);
  }
  for (const [name, check] of Object.entries(optional)) {
    if (params[name] !== undefined) demand(check, params[name], `params.${name}`, id);
  }
  if (method === 'initialize') readClient(params, id);
  if (method === 'prompts/get') {
    for (const [name, argument] of Object.entries((params['arguments'] ?? {}) as JsonObject)) {
      demand(isText, argument, `params.arguments.${name}`, id);
    }
  }
  return value === undefined ? undefined : params;
}

function readMeta(value: unknown, id: MessageId | null): JsonObject {
  demand(isMap, value, 'params._meta', id);
  const meta = withoutNulls(value as JsonObject);
  const { progressToken } = meta;
  if (progressToken !== undefined) {
    demand(isToken, progressToken, 'params._meta.progressToken', id);
  }
  return meta;
}

function readClient(params: Record<string, unknown>, id: MessageId | null): void {
  const client = withoutNulls(params['clientInfo'] as JsonObject);
  for (const name of ['name', 'version']) {
    demand(isText, client[name], `params.clientInfo.${name}`, id);
  }
  params['clientInfo'] = client;
  params['capabilities'] = withoutNulls(params['capabilities'] as JsonObject);
}

function demand(check: Check, value: unknown, place: string, id: MessageId | null): void {
  const reason = check(value);
  if (reason !== undefined) throw wrong(`${place} ${reason}`, id);
}

function wrong(sentence: string, id: MessageId | null): MessageError {
  return new MessageError(INVALID_PARAMS, sentence, id);
}

function withoutNulls(value: JsonObject): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
}
