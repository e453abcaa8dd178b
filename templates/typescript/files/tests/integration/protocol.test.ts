// The official client on the protocol handler, without a socket, in both protocol eras.
import type { Client } from '@modelcontextprotocol/client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { App } from '../../src/chassis/app.js';
import { NAME, VERSION } from '../../src/chassis/package.js';
import { newApp } from '../support/app.js';
import { connectInMemory, type Era } from '../support/client.js';

describe.each<[string, Era]>([
  ['2026-07-28', { pin: '2026-07-28' }],
  ['2025-11-25', 'legacy'],
])('protocol %s', (_version, era) => {
  let app: App;
  let client: Client;

  beforeEach(async () => {
    app = await newApp({ MCP_UPSTREAM_URL: 'http://127.0.0.1:9', MCP_RETRY_ATTEMPTS: '1' });
    client = await connectInMemory(app, era);
  });
  afterEach(async () => {
    await client.close();
    await app.stop();
  });

  test('the server introduces itself', () => {
    expect(client.getServerVersion()).toMatchObject({ name: NAME, version: VERSION });
    expect(client.getInstructions()).toBe('Fixtures.');
    expect(Object.keys(client.getServerCapabilities() ?? {}).sort()).toEqual([
      'prompts',
      'resources',
      'tools',
    ]);
  });

  test('tools are listed in the order of the registry, those that write not', async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['echo', 'crash', 'wait', 'fetch_item']);
  });

  test('tools are called; what fails is a result that says why', async () => {
    const { structuredContent } = await client.callTool({
      name: 'echo',
      arguments: { text: 'straße', style: { loud: true } },
    });
    expect(structuredContent).toEqual({ text: 'STRASSE' });
    const failed = await client.callTool({ name: 'echo', arguments: { text: ' ' } });
    expect(failed.isError).toBe(true);
    const [first] = failed.content as { text: string }[];
    expect(JSON.parse(first?.text ?? '')).toEqual({
      error: {
        category: 'client_error',
        code: 'invalid_argument',
        message: 'Invalid arguments: text must not be blank',
        details: { fields: [{ field: 'text', reason: 'must not be blank' }] },
        correlation_id: expect.any(String) as string,
      },
    });
    const away = await client.callTool({ name: 'fetch_item', arguments: { id: 'one' } });
    expect(away.isError).toBe(true);
  });

  test('resources, templates and prompts are listed and read', async () => {
    const { resources } = await client.listResources();
    expect(resources.map(({ uri }) => uri)).toEqual(['fixture://about']);
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual([
      'fixture://items/{id}',
    ]);
    const about = await client.readResource({ uri: 'fixture://about' });
    expect(about.contents).toMatchObject([{ mimeType: 'application/json' }]);
    const item = await client.readResource({ uri: 'fixture://items/one' });
    expect(item.contents).toMatchObject([{ text: 'one of local' }]);

    const { prompts } = await client.listPrompts();
    expect(prompts).toMatchObject([
      { name: 'greet', arguments: [{ name: 'name', required: true }] },
    ]);
    const { messages } = await client.getPrompt({ name: 'greet', arguments: { name: 'you' } });
    expect(messages).toHaveLength(1);
  });

  test('what does not exist is a protocol error', async () => {
    await expect(client.callTool({ name: 'none', arguments: {} })).rejects.toThrow(/Unknown tool/);
    await expect(client.getPrompt({ name: 'none' })).rejects.toThrow();
    await expect(client.readResource({ uri: 'fixture://none' })).rejects.toThrow();
  });
});
