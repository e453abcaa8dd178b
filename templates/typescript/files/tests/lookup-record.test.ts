import { describe, expect, test } from 'vitest';

import type { ToolContext } from '../src/chassis/declarations.js';
import type { Records } from '../src/services/records.js';
import { lookupRecord } from '../src/tools/lookup-record.js';
import { failure, newContext } from './support/tools.js';

/** What the tool may use when the service holds `record` alone. */
function holding(record?: Record<string, unknown>): ToolContext {
  const find: Records['find'] = () => Promise.resolve(record);
  return newContext({ use: (() => ({ find })) as ToolContext['use'] });
}

describe('lookup_record', () => {
  test('returns the record as it is, and when it was fetched', async () => {
    const record = JSON.parse('{"title": "Kept", "__proto__": {"admin": true}}') as object;
    const found = await lookupRecord.call({ record_id: 'r-1' }, holding({ ...record }));
    expect(found).toMatchObject({ record_id: 'r-1', record: { title: 'Kept' } });
    expect(found['fetched_at']).toMatch(/Z$/);
  });

  test('keeps a key that JavaScript knows', async () => {
    const record = JSON.parse('{"__proto__": 1}') as Record<string, unknown>;
    const found = await lookupRecord.call({ record_id: 'r-1' }, holding(record));
    expect(JSON.stringify(found['record'])).toBe('{"__proto__":1}');
  });

  test('says that there is no such record', async () => {
    const error = await failure(lookupRecord.call({ record_id: 'r-1' }, holding()));
    expect([error.code, error.category]).toEqual(['record_not_found', 'business_error']);
  });

  test('is unavailable while the service is', async () => {
    const error = await failure(lookupRecord.call({ record_id: 'r-1' }, newContext()));
    expect([error.code, error.message]).toEqual([
      'dependency_unavailable',
      'external_api is unavailable',
    ]);
  });

  test.each([
    '../admin',
    'a/b',
    '%2e%2e',
    'a?b=c',
    '@evil.example.com',
    'a\n',
    'ａ',
    '',
    'a'.repeat(65),
  ])('cannot reach another place with the id %j', async (record_id) => {
    const error = await failure(lookupRecord.call({ record_id }, holding({})));
    expect(error.message).toBe('Invalid arguments: record_id must match ^[A-Za-z0-9_-]{1,64}$');
  });
});
