import { describe, expect, test } from 'vitest';

import { MessageError, readMessage } from '../../src/chassis/transports/messages.js';

/** What a message is refused with: code, reason and id. */
function refusal(message: unknown) {
  try {
    readMessage(message);
  } catch (error) {
    if (error instanceof MessageError) return [error.rpcCode, error.message, error.id];
    throw error;
  }
  return undefined;
}

const NO_REQUEST = 'body is not one JSON-RPC request or notification';
const call = (params: unknown, method = 'tools/call') => ({
  jsonrpc: '2.0',
  id: 1,
  method,
  params,
});

describe('a message', () => {
  test.each([
    ['a list', [], null],
    ['text', 'x', null],
    ['without jsonrpc', { id: 1, method: 'ping' }, 1],
    ['whose method is a number', { jsonrpc: '2.0', id: 'a', method: 1 }, 'a'],
    ['that is an answer', { jsonrpc: '2.0', id: 1, result: {} }, 1],
    ['with id null', { jsonrpc: '2.0', id: null, method: 'ping' }, null],
    ['with id 1.5', { jsonrpc: '2.0', id: 1.5, method: 'ping' }, null],
    ['with an id beyond 2^53', { jsonrpc: '2.0', id: 2 ** 53, method: 'ping' }, null],
    ['with an ill-formed id', { jsonrpc: '2.0', id: '\ud800', method: 'ping' }, null],
  ])('%s is no request', (_what, message, id) => {
    expect(refusal(message)).toEqual([-32600, NO_REQUEST, id]);
  });

  test.each([
    [call([]), 'params must be an object'],
    [call({ _meta: 5 }), 'params._meta must be an object'],
    [
      call({ _meta: { progressToken: 1.5 } }),
      'params._meta.progressToken must be a string or an integer',
    ],
    [call({ name: null }), 'params.name must be a string'],
    [call({ name: 'x', arguments: 5 }), 'params.arguments must be an object'],
    [
      call({ name: 'x', arguments: { a: 5 } }, 'prompts/get'),
      'params.arguments.a must be a string',
    ],
    [call({ cursor: 5 }, 'tools/list'), 'params.cursor must be a string'],
    [call({}, 'resources/read'), 'params.uri must be a string'],
    [
      call({ protocolVersion: 'x', capabilities: {} }, 'initialize'),
      'params.clientInfo must be an object',
    ],
  ])('%j: %s', (message, reason) => {
    expect(refusal(message)).toEqual([-32602, reason, 1]);
  });

  test('may say null for what is absent, and more than it must', () => {
    const message = {
      ...call({ name: 'x', arguments: null, _meta: { progressToken: null } }),
      x: 1,
    };
    expect(readMessage(message)).toEqual(call({ name: 'x', _meta: {} }));
    expect(readMessage(call(null, 'tools/list'))).toEqual({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/list',
    });
    const initialize = {
      protocolVersion: 'x',
      capabilities: { roots: null },
      clientInfo: { name: 'n', version: 'v', title: null },
    };
    expect(readMessage(call(initialize, 'initialize')).params).toEqual({
      protocolVersion: 'x',
      capabilities: {},
      clientInfo: { name: 'n', version: 'v' },
    });
  });
});
