import { describe, expect, test } from 'vitest';

import { createMetrics } from '../src/chassis/observability/metrics.js';
import { Services } from '../src/chassis/services.js';
import { readSettings } from '../src/chassis/settings/settings.js';
import { records } from '../src/services/records.js';
import { SETTINGS } from '../src/settings.js';
import { newUpstream } from './support/app.js';
import { failure } from './support/tools.js';
import { type Answer, json } from './support/upstream.js';

const LIMITS = { signal: new AbortController().signal, deadline: Infinity };

/** The service as its settings make it. */
function services(settings: Record<string, string>): Services {
  return new Services([records], readSettings({ settings: SETTINGS }, settings), createMetrics());
}

async function newRecords(...answers: Answer[]) {
  const upstream = await newUpstream(...answers);
  const made = services({
    MCP_API_BASE_URL: `${upstream.url}/v1/`,
    MCP_API_KEY: 'the-key',
    MCP_RETRY_ATTEMPTS: '1',
  });
  return { upstream, made, find: (id: string) => made.use(records).find(id, LIMITS) };
}

describe('the records service', () => {
  test('is asked with the key, and answers with the record', async () => {
    const { upstream, find, made } = await newRecords(json({ title: 'Kept' }));
    expect(await find('r-1')).toEqual({ title: 'Kept' });
    expect(upstream.requests).toMatchObject([
      { url: '/v1/records/r-1', headers: { authorization: 'Bearer the-key' } },
    ]);
    expect(made.health()).toEqual({ external_api: 'healthy' });
  });

  test('has no such record', async () => {
    const { find } = await newRecords(json({}, 404));
    expect(await find('r-1')).toBeUndefined();
  });

  test('is unusable when it answers with something else', async () => {
    const { find } = await newRecords(json([1, 2]));
    const error = await failure(find('r-1'));
    expect([error.code, error.message]).toEqual([
      'dependency_unavailable',
      'external_api is unavailable',
    ]);
  });

  test('is left out without its settings', () => {
    const none = services({});
    expect(none.has(records)).toBe(false);
    expect(none.health()).toEqual({ external_api: 'disabled' });
  });
});
