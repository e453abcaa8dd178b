import { describe, expect, test } from 'vitest';

import { JsonError, parseJson, toJsonLine } from '../../src/chassis/json.js';
import { cleanJson, cleanText } from '../../src/chassis/text.js';

describe('text from outside', () => {
  test.each([
    ['terminal escapes', 'a\u001b[31mb\u001b[0m\u001b]0;title\u0007c', 'abc'],
    ['control characters', 'a\u0000\u0007\u009d\rb', 'ab'],
    ['bidirectional overrides', 'a\u202eb\u2066c\u2069', 'abc'],
    ['tag characters', 'a\u{e0041}\u{e007f}b', 'ab'],
  ])('loses %s', (_what, text, clean) => {
    expect(cleanText(text)).toBe(clean);
  });

  test('keeps newline, tab and letters of every script', () => {
    const text = 'one\n\ttwo שלום 😀';
    expect(cleanText(text)).toBe(text);
    expect(cleanText('\ud800')).toBe('\ufffd');
  });

  test('is cleaned at every depth, a key that JavaScript knows included', () => {
    const value: unknown = JSON.parse(
      '{"k\\u0000": [{"deep": "\\u001b[1mx"}, 1, null], "__proto__": 1}',
    );
    expect(JSON.stringify(cleanJson(value))).toBe('{"k":[{"deep":"x"},1,null],"__proto__":1}');
  });
});

describe('JSON from outside', () => {
  const parse = (text: string) => parseJson(Buffer.from(text));

  test('is strict UTF-8 with a byte order mark at most, finite, and not too deep', () => {
    expect(parse('\ufeff{"a": 1}')).toEqual({ a: 1 });
    expect(() => parseJson(Buffer.from([0x22, 0xe9, 0x22]))).toThrow('is not valid UTF-8');
    expect(() => parse('{"a": NaN}')).toThrow(JsonError);
    expect(() => parse('[1e400]')).toThrow('is not valid JSON');
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(parse(nested(200))).toBeDefined();
    expect(() => parse(nested(201))).toThrow('is nested too deeply');
  });

  test('goes out as one line, whatever a reader takes for the end of one', () => {
    const text = toJsonLine({ text: 'a\u0085b\u2028c\u2029d\n' });
    expect(text).toBe('{"text":"a\\u0085b\\u2028c\\u2029d\\n"}');
  });
});
