import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { AppError } from '../src/errors.js';
import { Operations } from '../src/operations.js';
import { fullDescription } from '../src/tools/contract.js';
import { enabledResources, enabledTools, tools } from '../src/tools/registry.js';
import { loadSettings } from '../src/settings.js';
import { MemoryStore } from '../src/state.js';
import { cleanJson, cleanText } from '../src/text.js';
import { processText, type ToolContext } from '../src/tools/tools.js';
import { eventually } from './support/eventually.js';
import { silentLogger } from './support/logger.js';

const LIMITS = { maxRunning: 2, maxKept: 10, ttlSeconds: 60 };

function newContext(overrides: Partial<ToolContext> = {}): ToolContext {
  return {
    subject: 'alice',
    operations: new Operations(new MemoryStore(LIMITS), silentLogger()),
    records: undefined,
    limits: { signal: new AbortController().signal, deadline: Infinity },
    reportProgress: () => Promise.resolve(),
    ...overrides,
  };
}

async function call(name: string, args: unknown, context = newContext()) {
  const tool = tools.find((candidate) => candidate.name === name);
  if (tool === undefined) throw new Error(`no tool ${name}`);
  return tool.call(args, context);
}

/** The error that a call ends with. */
async function failure(name: string, args: unknown, context?: ToolContext): Promise<AppError> {
  const error: unknown = await call(name, args, context).catch((reason: unknown) => reason);
  if (error instanceof AppError) return error;
  throw new Error(`expected an AppError, got ${JSON.stringify(error)}`);
}

describe('process_text', () => {
  test('trims, counts and tells when', () => {
    const { result, metadata } = processText({ text: '  two words \n' });
    expect(result).toBe('two words');
    expect(metadata).toMatchObject({ input_length: 13, output_length: 9, word_count: 2 });
    expect(metadata.processed_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test.each([
    ['counts code points', '👩‍💻é', false, true, '👩‍💻é', 4, 1],
    ['maps to full upper case', 'straße ŉ', true, true, 'STRASSE ʼN', 10, 2],
    ['strips Unicode White_Space', '\u0085\u2003x\u3000', false, true, 'x', 1, 1],
    ['keeps a byte order mark, which is no White_Space', '\ufeffx', false, true, '\ufeffx', 2, 1],
    ['leaves the edges alone when told so', ' a  b ', false, false, ' a  b ', 6, 2],
  ])('%s', (_case, text, uppercase, trim, result, length, words) => {
    const output = processText({ text, options: { uppercase, trim } });
    expect(output.result).toBe(result);
    expect(output.metadata).toMatchObject({ output_length: length, word_count: words });
  });

  test('1000 characters beyond the BMP are within its limit, 1001 are not', async () => {
    await expect(call('process_text', { text: '😀'.repeat(1000) })).resolves.toBeDefined();
    const { details } = await failure('process_text', { text: '😀'.repeat(1001) });
    expect(details).toEqual({
      fields: [{ field: 'text', reason: 'must have at most 1000 characters' }],
    });
  });
});

describe('arguments', () => {
  test.each([
    ['process_text', {}, 'text is required'],
    ['process_text', undefined, 'text is required'],
    ['process_text', { text: 1 }, 'text must be a string'],
    ['process_text', { text: null }, 'text must be a string'],
    ['process_text', { text: '' }, 'text must have at least 1 characters'],
    ['process_text', { text: ' \u2003\n' }, 'text must not be blank'],
    ['process_text', { text: 'a\ud800' }, 'text must be well-formed Unicode'],
    ['process_text', { text: 'a', options: null }, 'options must be an object'],
    ['process_text', { text: 'a', options: [] }, 'options must be an object'],
    ['process_text', { text: 'a', options: { trim: 'no' } }, 'options.trim must be a boolean'],
    ['process_text', { text: 'a', options: { x: 1 } }, 'options.x is not allowed'],
    [
      'process_text',
      { zebra: 1, apple: 2, options: { trim: 1 } },
      'text is required; options.trim must be a boolean; apple is not allowed; zebra is not allowed',
    ],
    ['process_text', { text: 'a', ['k'.repeat(99)]: 1 }, `${'k'.repeat(64)} is not allowed`],
    ['start_operation', { steps: 0 }, 'steps must be at least 1'],
    ['start_operation', { steps: 101 }, 'steps must be at most 100'],
    ['start_operation', { steps: 1.5 }, 'steps must be an integer'],
    ['start_operation', { steps: '3' }, 'steps must be an integer'],
    ['start_operation', { steps: true }, 'steps must be an integer'],
    [
      'start_operation',
      { idempotency_key: 'a b' },
      'idempotency_key must match ^[A-Za-z0-9_-]{1,64}$',
    ],
    [
      'check_operation_status',
      { operation_id: 'x' },
      'operation_id must match ^[A-Za-z0-9_-]{16,64}$',
    ],
    [
      'check_operation_status',
      { operation_id: 'a'.repeat(16), wait_seconds: 'long' },
      'wait_seconds must be a number',
    ],
    ['lookup_record', { record_id: '../admin' }, 'record_id must match ^[A-Za-z0-9_-]{1,64}$'],
    ['lookup_record', { record_id: 'a\n' }, 'record_id must match ^[A-Za-z0-9_-]{1,64}$'],
  ])('%s %j: %s', async (name, args, reasons) => {
    const error = await failure(name, args ?? {});
    expect(error.code).toBe('invalid_argument');
    expect(error.message).toBe(`Invalid arguments: ${reasons}`);
  });

  test('10.0 is an integer', async () => {
    await expect(call('start_operation', JSON.parse('{"steps": 10.0}'))).resolves.toMatchObject({
      status: 'started',
    });
  });
});

async function statusBecomes(status: string, id: string, context: ToolContext): Promise<void> {
  await eventually(async () => {
    const now = await call('check_operation_status', { operation_id: id }, context);
    expect(now['status']).toBe(status);
  });
}

/** Starts an operation and returns its id. */
async function start(context: ToolContext, args: Record<string, unknown> = {}): Promise<string> {
  const { operation_id } = await call('start_operation', args, context);
  return String(operation_id);
}

describe('operations', () => {
  const LONG = { steps: 100, step_milliseconds: 1000 };

  test('run to completion and say what they did', async () => {
    const context = newContext();
    const started = await call('start_operation', { steps: 3, step_milliseconds: 0 }, context);
    const id = String(started['operation_id']);
    expect(id).toMatch(/^[A-Za-z0-9_-]{16,64}$/);
    expect(started).toEqual({
      operation_id: id,
      status: 'started',
      status_uri: `operation://${id}`,
    });

    await eventually(async () => {
      expect(await call('check_operation_status', { operation_id: id }, context)).toEqual({
        operation_id: id,
        status: 'completed',
        progress: 1,
        result: { steps_completed: 3 },
      });
    });
  });

  test('report progress while a caller waits for a change of status', async () => {
    const seen: number[] = [];
    const context = newContext({
      reportProgress: (progress) => {
        seen.push(progress);
        return Promise.resolve();
      },
    });
    const id = await start(context, { steps: 10, step_milliseconds: 80 });
    await statusBecomes('running', id, context);
    const after = await call(
      'check_operation_status',
      { operation_id: id, wait_seconds: 10 },
      context,
    );
    expect(after).toMatchObject({ status: 'completed', progress: 1 });
    expect(seen.length).toBeGreaterThan(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  test('a caller that gives up stops waiting', async () => {
    const controller = new AbortController();
    const context = newContext({
      limits: { signal: controller.signal, deadline: Infinity },
    });
    const id = await start(context, LONG);
    await statusBecomes('running', id, context);
    const waiting = call('check_operation_status', { operation_id: id, wait_seconds: 20 }, context);
    controller.abort();
    await expect(waiting).rejects.toThrow(/abort/i);
    await context.operations.stop();
  });

  test('the same key and arguments give the same operation, other arguments conflict', async () => {
    const context = newContext();
    const args = { ...LONG, idempotency_key: 'key-1' };
    const id = await start(context, args);
    expect(await start(context, args)).toBe(id);
    const error = await failure('start_operation', { ...args, steps: 99 }, context);
    expect(error.code).toBe('state_conflict');
    expect(error.message).toBe('idempotency_key: already used with other arguments');
    await context.operations.stop();
  });

  test('keys belong to their subject', async () => {
    const alice = newContext();
    const bob = { ...alice, subject: 'bob' };
    const args = { ...LONG, idempotency_key: 'key-1' };
    expect(await start(bob, args)).not.toBe(await start(alice, args));
    await alice.operations.stop();
  });

  test('only so many run at once, and one that ended makes room', async () => {
    const context = newContext();
    const first = await start(context, LONG);
    await start(context, LONG);
    expect((await failure('start_operation', LONG, context)).code).toBe('too_many_operations');
    await call('cancel_operation', { operation_id: first }, context);
    await expect(start(context, LONG)).resolves.toBeDefined();
    await context.operations.stop();
  });

  test('are cancelled once and for all', async () => {
    const context = newContext();
    const id = await start(context, LONG);
    const cancelled = { operation_id: id, status: 'cancelled' };
    expect(await call('cancel_operation', { operation_id: id }, context)).toEqual(cancelled);
    expect(await call('cancel_operation', { operation_id: id }, context)).toEqual(cancelled);
    await context.operations.stop();
    expect(await call('check_operation_status', { operation_id: id }, context)).toMatchObject(
      cancelled,
    );
  });

  test('cannot be cancelled after their end', async () => {
    const context = newContext();
    const id = await start(context, { steps: 1, step_milliseconds: 0 });
    await statusBecomes('completed', id, context);
    const error = await failure('cancel_operation', { operation_id: id }, context);
    expect([error.code, error.message]).toEqual([
      'state_conflict',
      'operation_id: already completed',
    ]);
  });

  test('of another subject do not exist', async () => {
    const alice = newContext();
    const id = await start(alice, LONG);
    const bob = { ...alice, subject: 'bob' };
    for (const name of ['check_operation_status', 'cancel_operation']) {
      const error = await failure(name, { operation_id: id }, bob);
      expect([error.code, error.message]).toEqual([
        'operation_not_found',
        'operation_id: no such operation',
      ]);
    }
    await alice.operations.stop();
  });

  test('that a shutdown interrupts read failed', async () => {
    const context = newContext();
    const id = await start(context, LONG);
    await context.operations.stop();
    const now = await call('check_operation_status', { operation_id: id }, context);
    expect(now['status']).toBe('failed');
  });
});

describe('the memory store', () => {
  const operation = (id: string) => ({ id, subject: 'alice', fingerprint: 'f' });

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('forgets what is older than its time to live', async () => {
    const store = new MemoryStore(LIMITS);
    await store.create({ ...operation('a'), idempotencyKey: 'k' });
    vi.advanceTimersByTime(59_000);
    expect(await store.get('alice', 'a')).toBeDefined();
    vi.advanceTimersByTime(2000);
    expect(await store.get('alice', 'a')).toBeUndefined();
    const again = await store.create({ ...operation('b'), idempotencyKey: 'k' });
    expect(again.created).toBe(true);
  });

  test('is bounded: the oldest that ended goes first, and running ones are never dropped', async () => {
    const store = new MemoryStore({ maxRunning: 9, maxKept: 2, ttlSeconds: 60 });
    await store.create(operation('a'));
    await store.create(operation('b'));
    await expect(store.create(operation('c'))).rejects.toMatchObject({
      code: 'too_many_operations',
    });
    await store.update('alice', 'b', { status: 'completed' });
    await store.create(operation('c'));
    expect(await store.get('alice', 'b')).toBeUndefined();
    expect(await store.get('alice', 'a')).toBeDefined();
  });

  test('does not change an operation that has ended', async () => {
    const store = new MemoryStore(LIMITS);
    await store.create(operation('a'));
    await store.update('alice', 'a', { status: 'cancelled' });
    await store.update('alice', 'a', { status: 'running', progress: 0.5 });
    expect(await store.get('alice', 'a')).toMatchObject({ status: 'cancelled', progress: 0 });
  });
});

describe('what is offered', () => {
  const names = (environment: Record<string, string>) => [
    ...enabledTools(loadSettings(environment)).keys(),
  ];

  test('is read-only and without outside calls by default', () => {
    expect(names({})).toEqual(['process_text']);
    expect(enabledResources(loadSettings({})).map(({ name }) => name)).toEqual(['server_settings']);
  });

  test('grows with the settings', () => {
    const all = { MCP_ENABLE_WRITES: 'true', MCP_API_BASE_URL: 'http://records.example.com' };
    expect(names(all)).toEqual(tools.map(({ name }) => name));
    expect(names({ ...all, MCP_TOOLS_DISABLED: 'start_operation' })).not.toContain(
      'start_operation',
    );
    expect(names({ ...all, MCP_TOOLS_ENABLED: 'cancel_operation' })).toEqual(['cancel_operation']);
    expect(names({ MCP_TOOLS_ENABLED: 'cancel_operation' })).toEqual([]);
  });

  test('a deprecated contract says so', () => {
    const contract = { name: 'old', title: 'Old', description: 'Does it.', version: '1.2.0' };
    const deprecated = { since: '1.2.0', replacedBy: 'new', removedIn: '2.0.0' };
    expect(fullDescription(contract)).toBe('Does it.');
    expect(fullDescription({ ...contract, deprecated })).toBe(
      'Does it. Deprecated since 1.2.0; use new; removed in 2.0.0.',
    );
  });
});

describe('text from outside', () => {
  test('loses control characters and terminal escapes, keeps newline and tab', () => {
    expect(cleanText('a\u001b[31mb\u001b[0m\u0000\u0007\u009dc\r\n\td')).not.toMatch(
      /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/, // eslint-disable-line no-control-regex -- that is the point
    );
    expect(cleanText('one\n\ttwo')).toBe('one\n\ttwo');
  });

  test('is cleaned at every depth', () => {
    expect(cleanJson({ 'k\u0000': [{ deep: '\u001b[1mx\u001b[0m' }, 1, null, true] })).toEqual({
      k: [{ deep: 'x' }, 1, null, true],
    });
  });
});
