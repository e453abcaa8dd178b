// What the documents promise is what the code does.
import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { apiDocs } from '../../scripts/api-docs.mjs';
import { ERRORS } from '../../src/chassis/errors.js';
import { createMetrics } from '../../src/chassis/observability/metrics.js';
import { NAME, VERSION } from '../../src/chassis/package.js';
import { variablesOf } from '../../src/chassis/settings/settings.js';
import { server } from '../../src/server.js';

const read = (path: string) => readFileSync(path, 'utf8');

/** The first group of every match. */
function captures(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, group = '']) => group);
}

test('docs/api.md is what the contracts say (make docs)', () => {
  expect(read('docs/api.md')).toBe(apiDocs('contracts'));
});

describe('docs/troubleshooting.md', () => {
  const text = read('docs/troubleshooting.md');

  test('has an entry for every error code', () => {
    const own = server.tools.flatMap(({ errors }) => Object.keys(errors));
    const codes = [...new Set([...Object.keys(ERRORS), ...own])];
    expect(captures(text, /^### `([a-z_]+)`$/gm)).toEqual(expect.arrayContaining(codes));
  });

  test('has an entry for every alert', () => {
    const alerts = captures(read('deploy/monitoring/prometheus-rule.yaml'), /alert: (\w+)/g);
    expect(alerts).not.toEqual([]);
    expect(captures(text, /^### (Mcp[A-Za-z]+)$/gm)).toEqual(alerts);
  });
});

test('alerts, dashboard and success metrics ask for metrics that exist', async () => {
  const { registry } = createMetrics();
  const exported = (await registry.getMetricsAsJSON()).map(({ name }) => name);
  const asked = [
    'deploy/monitoring/prometheus-rule.yaml',
    'deploy/monitoring/dashboard.json',
    'docs/outcomes.md',
    'docs/runbook.md',
  ].flatMap((path) => captures(read(path), /\b(mcp_[a-z_]+|process_[a-z_]+)(?=[[{)])/g));
  const unknown = asked.filter(
    (name) => !exported.includes(name.replace(/_(?:bucket|count|sum)$/, '')),
  );
  expect(asked).not.toEqual([]);
  expect(unknown).toEqual([]);
});

test('every setting is in README.md and in .env.example', () => {
  for (const path of ['README.md', '.env.example']) {
    const text = read(path);
    const missing = variablesOf(server.settings).filter(
      (name) => !name.endsWith('_FILE') && !text.includes(name),
    );
    expect(missing, path).toEqual([]);
  }
});

test('name and version agree wherever they stand', () => {
  const registered = JSON.parse(read('server.json')) as Record<string, unknown>;
  const manifest = JSON.parse(read('package.json')) as Record<string, unknown>;
  expect(registered).toMatchObject({ name: manifest['mcpName'], version: VERSION });
  expect(registered['packages']).toMatchObject([{ identifier: NAME, version: VERSION }]);
  expect(read('README.md')).toContain(`mcp-name: ${String(manifest['mcpName'])}`);
  expect(read('Containerfile')).toContain(`"${String(manifest['mcpName'])}"`);
});
