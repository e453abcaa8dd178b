// The official client on the protocol handler, without a socket, in both protocol eras.
import type { Client } from '@modelcontextprotocol/client';
import { createMcpHandler } from '@modelcontextprotocol/server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { type App, createApp, stopApp } from '../../src/app.js';
import { DESCRIPTION, NAME, VERSION } from '../../src/package.js';
import { createProtocolServer } from '../../src/server.js';
import { loadSettings } from '../../src/settings.js';
import { connectInMemory, type Era } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { silentLogger } from '../support/logger.js';

function firstText(parts: readonly object[]): unknown {
  const [first] = parts;
  return first && 'text' in first ? JSON.parse(String(first.text)) : undefined;
}

describe.each<[string, Era]>([
  ['2026-07-28', { pin: '2026-07-28' }],
  ['2025-11-25', 'legacy'],
])('protocol %s', (_version, era) => {
  let app: App;
  let client: Client;

  beforeEach(async () => {
    const settings = loadSettings({
      MCP_ENABLE_WRITES: 'true',
      MCP_API_BASE_URL: 'http://127.0.0.1:9',
      MCP_RETRY_ATTEMPTS: '1',
    });
    app = await createApp(settings, silentLogger());
    client = await connectInMemory(
      createMcpHandler(() => createProtocolServer(app)),
      era,
    );
  });
  afterEach(async () => {
    await client.close();
    await stopApp(app);
  });

  test('the server introduces itself', () => {
    expect(client.getServerVersion()).toMatchObject({ name: NAME, version: VERSION });
    expect(client.getInstructions()).toContain(DESCRIPTION);
    expect(Object.keys(client.getServerCapabilities() ?? {}).sort()).toEqual([
      'prompts',
      'resources',
      'tools',
    ]);
  });

  test('tools are listed in a stable order and called', async () => {
    const names = async () => (await client.listTools()).tools.map(({ name }) => name);
    expect(await names()).toEqual(await names());
    const result = await client.callTool({
      name: 'process_text',
      arguments: { text: 'straße', options: { uppercase: true } },
    });
    expect(result.structuredContent).toMatchObject({ result: 'STRASSE' });
  });

  test('a tool error is a result that says why', async () => {
    const result = await client.callTool({ name: 'process_text', arguments: { text: ' ' } });
    expect(result.isError).toBe(true);
    expect(firstText(result.content)).toEqual({
      error: {
        category: 'client_error',
        code: 'invalid_argument',
        message: 'Invalid arguments: text must not be blank',
        details: { fields: [{ field: 'text', reason: 'must not be blank' }] },
        correlation_id: expect.any(String) as string,
      },
    });
    const away = await client.callTool({ name: 'lookup_record', arguments: { record_id: 'r' } });
    expect(away.isError).toBe(true);
  });

  test('resources, templates and prompts are listed and read', async () => {
    const { resources } = await client.listResources();
    expect(resources.map(({ uri }) => uri)).toEqual(['config://server-settings']);
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual([
      'operation://{operation_id}',
    ]);
    const { contents } = await client.readResource({ uri: 'config://server-settings' });
    expect(contents).toMatchObject([{ mimeType: 'application/json' }]);

    const { prompts } = await client.listPrompts();
    expect(prompts).toMatchObject([
      { name: 'summarize_text', arguments: [{ name: 'text', required: true }] },
    ]);
    const { messages } = await client.getPrompt({
      name: 'summarize_text',
      arguments: { text: 'A text.' },
    });
    expect(messages).toHaveLength(1);
  });

  test('an operation is started, watched and read as a resource', async () => {
    const started = await client.callTool({
      name: 'start_operation',
      arguments: { steps: 3, step_milliseconds: 20 },
    });
    const { operation_id, status_uri } = started.structuredContent as Record<string, string>;
    await eventually(async () => {
      const status = await client.callTool({
        name: 'check_operation_status',
        arguments: { operation_id, wait_seconds: 1 },
      });
      expect(status.structuredContent).toMatchObject({ status: 'completed', progress: 1 });
    });
    const { contents } = await client.readResource({ uri: status_uri ?? '' });
    expect(firstText(contents)).toMatchObject({ operation_id, result: { steps_completed: 3 } });
  });

  test('what does not exist is a protocol error', async () => {
    await expect(client.callTool({ name: 'none', arguments: {} })).rejects.toThrow(/Unknown tool/);
    await expect(client.getPrompt({ name: 'none' })).rejects.toThrow();
    await expect(client.getPrompt({ name: 'summarize_text' })).rejects.toThrow(/text/);
    await expect(client.readResource({ uri: 'config://none' })).rejects.toThrow();
    const id = 'abcdefghijklmnop';
    await expect(client.readResource({ uri: `operation://${id}` })).rejects.toThrow();
  });
});
