import { describe, expect, test } from 'vitest';

import { processText } from '../src/tools/process-text.js';
import { failure, newContext } from './support/tools.js';

const call = (args: unknown) => processText.call(args, newContext());

describe('process_text', () => {
  test('trims, counts and tells when', async () => {
    expect(await call({ text: '  two words \n' })).toEqual({
      result: 'two words',
      metadata: {
        processed_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
        input_length: 13,
        output_length: 9,
        word_count: 2,
      },
    });
  });

  test.each([
    ['counts code points', '👩‍💻é', {}, '👩‍💻é', 4, 1],
    ['maps to full upper case', 'straße ŉ', { uppercase: true }, 'STRASSE ʼN', 10, 2],
    ['strips Unicode White_Space', '\u0085\u2003x\u3000', {}, 'x', 1, 1],
    ['keeps a byte order mark, which is no White_Space', '\ufeffx', {}, '\ufeffx', 2, 1],
    ['leaves the edges alone when told so', ' a  b ', { trim: false }, ' a  b ', 6, 2],
  ])('%s', async (_case, text, options, result, output_length, word_count) => {
    const metadata = { output_length, word_count };
    expect(await call({ text, options })).toMatchObject({ result, metadata });
  });

  test('takes 1000 characters beyond the BMP, not 1001', async () => {
    await expect(call({ text: '😀'.repeat(1000) })).resolves.toBeDefined();
    const { details } = await failure(call({ text: '😀'.repeat(1001) }));
    expect(details).toEqual({
      fields: [{ field: 'text', reason: 'must have at most 1000 characters' }],
    });
  });

  test.each([
    [{}, 'text is required'],
    [{ text: ' \u2003\n' }, 'text must not be blank'],
    [{ text: 'a\ud800' }, 'text must be well-formed Unicode'],
    [{ text: 'a', options: null }, 'options must be an object'],
    [{ text: 'a', options: { trim: 'no' } }, 'options.trim must be a boolean'],
  ])('%j: %s', async (args, reason) => {
    const { code, message } = await failure(call(args));
    expect([code, message]).toEqual(['invalid_argument', `Invalid arguments: ${reason}`]);
  });
});
