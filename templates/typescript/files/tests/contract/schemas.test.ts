// The contracts: equal to the code, complete, and in the form that clients and providers accept.
import { describe, expect, test } from 'vitest';

import { contractFiles } from '../../src/chassis/contracts.js';
import { server } from '../../src/server.js';
import { newApp } from '../support/app.js';
import { connectInMemory } from '../support/client.js';
import { isObject, type Json } from './compatibility.js';
import { readContracts, readContractTexts } from './files.js';

/** What the tool list may cost a model: about 2,000 tokens. */
const MAX_TOOL_LIST_BYTES = 8_000;

const inCode = contractFiles(server);
const inFiles = readContractTexts('contracts');
const toolContracts = [...readContracts('contracts')].filter(([path]) => path.startsWith('tools/'));

/** A schema and all schemas in it, each with its place. */
function schemas(schema: Json, place = ''): [string, Json][] {
  const properties = isObject(schema['properties']) ? Object.entries(schema['properties']) : [];
  const inner = [...properties, ['items', schema['items']] as const].flatMap(([name, value]) =>
    isObject(value) ? schemas(value, `${place}/${name}`) : [],
  );
  return [[place, schema], ...inner];
}

/** The order of names in a list, as in `required`, means nothing. */
function orderless(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_key, member: unknown) =>
    Array.isArray(member) ? [...(member as unknown[])].sort() : member,
  );
}

describe('contracts/', () => {
  test('holds a file for each entry of the registry, and no other', () => {
    expect([...inFiles.keys()]).toEqual([...inCode.keys()].sort());
  });

  test('is what the code says (make contracts)', () => {
    for (const [path, text] of inCode) expect(inFiles.get(path), path).toBe(text);
  });
});

describe.each(toolContracts)('%s', (_path, contract) => {
  test('says what it does, what it changes, who may use it and how it fails', () => {
    expect(contract.name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    for (const key of ['title', 'description', 'sideEffects', 'scope']) {
      expect(contract[key], key).toMatch(/\S/);
    }
    expect(contract.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(Object.keys(contract['annotations'] as Json).sort()).toEqual([
      'destructiveHint',
      'idempotentHint',
      'openWorldHint',
      'readOnlyHint',
    ]);
    for (const { code, description } of contract['errors'] as Record<string, string>[]) {
      expect(code).toMatch(/^[a-z_]+$/);
      expect(description, code).toMatch(/\S/);
    }
  });

  test('has schemas that every provider accepts', () => {
    for (const key of ['inputSchema', 'outputSchema']) {
      const root = contract[key] as Json;
      expect(root['type']).toBe('object');
      for (const [place, schema] of schemas(root)) {
        expect(schema['type'], place).toEqual(expect.any(String));
        for (const keyword of ['$ref', '$defs', 'allOf', 'anyOf', 'oneOf', 'not', 'nullable']) {
          expect(schema, place).not.toHaveProperty(keyword);
        }
        if (key === 'inputSchema' && schema['type'] === 'object') {
          expect(schema['additionalProperties'], place).toBe(false);
        }
        if (key === 'outputSchema') expect(schema).not.toHaveProperty('additionalProperties');
        if (place !== '') expect(schema['description'], place).toMatch(/\S/);
      }
    }
  });
});

describe('the wire', () => {
  test('lists the contracts, and stays within its size', async () => {
    const everything = {
      ...server,
      tools: server.tools.map((tool) => ({ ...tool, uses: [], needs: () => true })),
    };
    const app = await newApp({ MCP_ENABLE_WRITES: 'true' }, everything);
    const client = await connectInMemory(app);
    const { tools: listed } = await client.listTools();
    await client.close();

    expect(listed.map(({ name }) => name)).toEqual(server.tools.map(({ name }) => name));
    for (const tool of listed) {
      const contract = readContracts('contracts').get(`tools/${tool.name}.json`);
      for (const key of ['title', 'description', 'annotations', 'inputSchema', 'outputSchema']) {
        const sent = (tool as Json)[key];
        expect(orderless(sent), `${tool.name} ${key}`).toEqual(orderless(contract?.[key]));
      }
    }
    expect(Buffer.byteLength(JSON.stringify(listed))).toBeLessThanOrEqual(MAX_TOOL_LIST_BYTES);
  });
});
