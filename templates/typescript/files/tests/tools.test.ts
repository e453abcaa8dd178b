// Rules for all that is registered; they hold for none as well.
import { describe, expect, test } from 'vitest';

import { server } from '../src/server.js';
import { NAME, operationId, READ_ONLY } from '../src/tools/tools.js';
import { newApp } from './support/app.js';

const { tools, resources, prompts, services } = server;

describe('what is registered', () => {
  test('has a name of its own', () => {
    for (const kind of [tools, resources, prompts, services]) {
      const names = kind.map(({ name }) => name);
      expect(names).toEqual([...new Set(names)]);
      for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9_]{0,63}$/);
    }
  });

  test('uses services that are registered', () => {
    for (const { name, uses = [] } of [...tools, ...resources]) {
      for (const service of uses) expect(services, name).toContain(service);
    }
  });
});

describe('a tool', () => {
  test('documents its own errors by code and occasion', () => {
    for (const { name, errors } of tools) {
      for (const [code, when] of Object.entries(errors)) {
        expect(code, name).toMatch(/^[a-z][a-z_]*$/);
        expect(when, `${name} ${code}`).toMatch(/\S/);
      }
      expect(Object.keys(errors), name).toEqual(expect.arrayContaining(['internal']));
    }
  });

  test('that changes something is there only when writes are enabled', async () => {
    const { tools: offered } = await newApp({}, server);
    for (const { name, annotations } of offered.values()) {
      expect(annotations.readOnlyHint, name).toBe(true);
    }
  });
});

test('what tools share: names are short, ids are long, and what only reads changes nothing', () => {
  expect('a-b_C1').toMatch(NAME);
  expect('a b').not.toMatch(NAME);
  expect(operationId.safeParse('a'.repeat(16)).success).toBe(true);
  expect(operationId.safeParse('guessable').success).toBe(false);
  expect(READ_ONLY).toMatchObject({ readOnlyHint: true, destructiveHint: false });
});
