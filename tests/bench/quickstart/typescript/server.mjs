// The TypeScript SDK's quick start with one tool, as like the sample's process_text as a registered function is.
import { createServer } from 'node:http';

import { localhostHostValidation, localhostOriginValidation, toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';

const input = z.object({
  text: z.string().min(1).max(1000),
  options: z.object({ uppercase: z.boolean().default(false), trim: z.boolean().default(true) }).optional(),
});
const output = z.object({
  result: z.string(),
  metadata: z.object({
    processed_at: z.string(),
    input_length: z.number(),
    output_length: z.number(),
    word_count: z.number(),
  }),
});

function processText({ text, options }) {
  const kept = (options?.trim ?? true) ? text.trim() : text;
  const result = options?.uppercase ? kept.toUpperCase() : kept;
  const structuredContent = {
    result,
    metadata: {
      processed_at: new Date().toISOString(),
      input_length: text.length,
      output_length: result.length,
      word_count: result.split(/\s+/).length,
    },
  };
  return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
}

const handle = toNodeHandler(
  createMcpHandler(() => {
    const server = new McpServer({ name: 'quick-start', version: '1.0.0' });
    const description = 'Trim a text, optionally convert it to upper case, and count its characters and words.';
    server.registerTool('process_text', { description, inputSchema: input, outputSchema: output }, processText);
    return server;
  }),
);
const guards = [localhostHostValidation(), localhostOriginValidation()];
createServer((request, response) => {
  if (guards.every((allows) => allows(request, response))) void handle(request, response);
}).listen(Number(process.argv[2]), '127.0.0.1');
