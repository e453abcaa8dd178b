// No contract changes against the last release without a version that says so.
import { spawnSync } from 'node:child_process';

import { describe, expect, test } from 'vitest';

import { VERSION } from '../../src/chassis/package.js';
import { changes, compareVersions, type Contract, isObject, verdict } from './compatibility.js';
import { readContracts } from './files.js';

const OLD: Contract = {
  name: 'sample',
  title: 'Sample',
  description: 'A sample.',
  version: '1.2.3',
  scope: 'sample:read',
  annotations: { readOnlyHint: true },
  errors: [{ code: 'internal', description: 'A failure.' }],
  inputSchema: {
    type: 'object',
    additionalProperties: false,
    properties: { text: { type: 'string', maxLength: 10, description: 'Text.' } },
    required: ['text'],
  },
  outputSchema: {
    type: 'object',
    properties: {
      rows: { type: 'array', items: { type: 'object', properties: {} } },
      count: { type: 'integer' },
    },
    required: ['count'],
  },
};

/** A copy with the value at `place` replaced, or removed when it is undefined. */
function changed(contract: Contract, place: string, value: unknown): Contract {
  const copy = structuredClone(contract) as Contract & Record<string, unknown>;
  const path = place.split('.');
  const last = path.pop() ?? '';
  let node: Record<string, unknown> = copy;
  for (const key of path) node = node[key] as Record<string, unknown>;
  if (value === undefined) Reflect.deleteProperty(node, last);
  else node[last] = value;
  return copy;
}

const ADDITIVE: [string, unknown][] = [
  ['title', 'Another'],
  ['description', 'Another.'],
  ['errors.0.description', 'Another.'],
  ['deprecated', { since: '1.3.0', replacedBy: 'other', removedIn: '2.0.0' }],
  ['inputSchema.properties.text.description', 'Another.'],
  ['inputSchema.properties.description', { type: 'string' }],
  ['outputSchema.properties.more', { type: 'string' }],
  ['outputSchema.properties.rows.items.properties.more', { type: 'string' }],
];

const BREAKING: [string, unknown][] = [
  ['scope', 'sample:write'],
  ['annotations.readOnlyHint', false],
  ['errors.0.code', 'timeout'],
  ['outputSchema', undefined],
  ['inputSchema.required', ['text', 'more']],
  ['inputSchema.additionalProperties', undefined],
  ['inputSchema.properties.text', undefined],
  ['inputSchema.properties.text.maxLength', 9],
  ['inputSchema.properties.text.type', 'integer'],
  ['outputSchema.required', undefined],
  ['outputSchema.required', ['rows']],
  ['outputSchema.properties.count', undefined],
  ['outputSchema.properties.count.type', 'number'],
  ['outputSchema.properties.rows.items.type', 'string'],
];

describe('against the last release', () => {
  const released = readContracts('contracts/baseline');
  const now = readContracts('contracts');

  test('changes raise versions', () => {
    const verdicts = [...released].map(([path, contract]) => {
      const current = now.get(path);
      return current && verdict(contract, current);
    });
    expect(verdicts.filter(Boolean)).toEqual([]);
  });

  test('only what was deprecated is removed, and not before its time', () => {
    const removed = [...released].filter(([path]) => !now.has(path));
    const tooEarly = removed.filter(([, { deprecated }]) => {
      const due = isObject(deprecated) ? String(deprecated['removedIn']) : undefined;
      return due === undefined || compareVersions(VERSION, due) < 0;
    });
    expect(tooEarly.map(([path]) => path)).toEqual([]);
  });

  test('cargo-mcp agrees', ({ skip }) => {
    if (released.size === 0) skip('nothing has been released yet: make baseline');
    const report = spawnSync('cargo-mcp', ['contract', 'diff', 'contracts/baseline', 'contracts'], {
      encoding: 'utf8',
    });
    if (report.error) skip('cargo-mcp is not on the PATH: install it for its finer comparison');
    expect(report.status, report.stdout + report.stderr).toBe(0);
  });
});

describe('the rules', () => {
  test.each(ADDITIVE)('%s may change with a higher version', (place, value) => {
    const after = changed(OLD, place, value);
    expect(changes(OLD, after).map(({ additive }) => additive)).toEqual([true]);
    expect(verdict(OLD, after)).toContain('without a higher version');
    expect(verdict(OLD, changed(after, 'version', '1.3.0'))).toBeUndefined();
  });

  test.each(BREAKING)('%s changes with a higher major version only', (place, value) => {
    const after = changed(OLD, place, value);
    const minor = changed(after, 'version', '1.3.0');
    expect(verdict(OLD, minor)).toContain('without a higher major version');
    expect(verdict(OLD, changed(after, 'version', '2.0.0'))).toBeUndefined();
  });

  test('a new required input is breaking', () => {
    const more = changed(OLD, 'inputSchema.properties.more', { type: 'string' });
    const after = changed(more, 'inputSchema.required', ['more', 'text']);
    expect(verdict(OLD, changed(after, 'version', '1.3.0'))).toContain('inputSchema.required');
  });

  test('an output may become one that is always there', () => {
    const more = changed(OLD, 'outputSchema.properties.more', { type: 'string' });
    const after = changed(more, 'outputSchema.required', ['count', 'more']);
    expect(verdict(OLD, changed(after, 'version', '1.3.0'))).toBeUndefined();
  });

  test('versions are compared as numbers', () => {
    const after = changed(changed(OLD, 'title', 'Another'), 'version', '1.10.0');
    expect(verdict(changed(OLD, 'version', '1.9.0'), after)).toBeUndefined();
    expect(verdict(OLD, OLD)).toBeUndefined();
  });
});
