// The yardstick: the SDK's quick start with one equal tool, and nothing else.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';

const inputSchema = z.object({ text: z.string() });
const outputSchema = z.object({ text: z.string() });

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: 'quickstart', version: '1.0.0' });
  server.registerTool('echo', { inputSchema, outputSchema }, ({ text }) => {
    const structuredContent = { text };
    return {
      content: [{ type: 'text', text: JSON.stringify(structuredContent) }],
      structuredContent,
    };
  });
  return server;
});

const answer = toNodeHandler(handler);
const server = createServer((req, res) => void answer(req, res));
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stderr.write(`${JSON.stringify({ event: 'server.started', port })}\n`);
});
process.on('SIGTERM', () => process.exit(0));
