import { describe, expect, test } from 'vitest';

import { fullDescription } from '../../src/chassis/declarations.js';
import { fixture } from '../fixtures/server.js';
import { failure, newContext } from '../support/tools.js';

const echo = fixture.tools.find(({ name }) => name === 'echo');

describe('arguments', () => {
  test.each([
    ['{}', 'text is required'],
    ['{"text": 1}', 'text must be a string'],
    ['{"text": null}', 'text must be a string'],
    ['{"text": ""}', 'text must have at least 1 characters'],
    ['{"text": "  "}', 'text must not be blank'],
    ['{"text": "a\\ud800"}', 'text must be well-formed Unicode'],
    ['{"text": "a", "style": null}', 'style must be an object'],
    ['{"text": "a", "style": []}', 'style must be an object'],
    ['{"text": "a", "style": {"loud": "no"}}', 'style.loud must be a boolean'],
    ['{"text": "a", "style": {"x": 1}}', 'style.x is not allowed'],
    ['{"text": "a", "times": 1.5}', 'times must be an integer'],
    ['{"text": "a", "times": true}', 'times must be an integer'],
    ['{"text": "a", "times": 6}', 'times must be at most 5'],
    ['{"text": "a", "__proto__": 1}', '__proto__ is not allowed'],
    ['{"text": "a", "style": {"__proto__": {"loud": true}}}', 'style.__proto__ is not allowed'],
    [
      '{"zebra": 1, "apple": 2, "style": {"loud": 1}}',
      'text is required; style.loud must be a boolean; apple is not allowed; zebra is not allowed',
    ],
    [`{"text": "a", "${'k'.repeat(99)}": 1}`, `${'k'.repeat(64)} is not allowed`],
  ])('%s: %s', async (json, reasons) => {
    const call = echo?.call(JSON.parse(json), newContext());
    const { code, message } = await failure(call ?? Promise.resolve());
    expect([code, message]).toEqual(['invalid_argument', `Invalid arguments: ${reasons}`]);
  });

  test('10.0 is an integer', async () => {
    const args: unknown = JSON.parse('{"text": "a", "times": 2.0}');
    await expect(echo?.call(args, newContext())).resolves.toEqual({ text: 'aa' });
  });
});

test('a deprecated contract says so', () => {
  const contract = { name: 'old', title: 'Old', description: 'Does it.', version: '1.2.0' };
  const deprecated = { since: '1.2.0', replacedBy: 'new', removedIn: '2.0.0' };
  expect(fullDescription(contract)).toBe('Does it.');
  expect(fullDescription({ ...contract, deprecated })).toBe(
    'Does it. Deprecated since 1.2.0; use new; removed in 2.0.0.',
  );
});
