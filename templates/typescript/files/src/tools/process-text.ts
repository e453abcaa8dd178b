/** process_text: trim a text, convert it, count its characters and words. */
import * as z from 'zod';

import { integer, text, timestamp } from '../chassis/schemas.js';
import { codePoints, countWords, trim } from '../chassis/text.js';
import { defineTool, READ_ONLY } from './tools.js';

const input = z.strictObject({
  text: text({ min: 1, max: 1000, blank: false }).describe('Text to process; not blank.'),
  options: z
    .strictObject({
      uppercase: z.boolean().default(false).describe('Convert to upper case.'),
      trim: z.boolean().default(true).describe('Remove white space at both ends.'),
    })
    .optional()
    .describe('How to process the text.'),
});

const output = z.looseObject({
  result: z.string().describe('The processed text.'),
  metadata: z
    .looseObject({
      processed_at: timestamp().describe('When it was processed: RFC 3339, UTC.'),
      input_length: integer({ min: 0 }).describe('Unicode code points in the text.'),
      output_length: integer({ min: 0 }).describe('Unicode code points in the result.'),
      word_count: integer({ min: 0 }).describe('Words in the result, separated by white space.'),
    })
    .describe('Facts about the processing.'),
});

function run({ text: original, options }: z.output<typeof input>) {
  const kept = (options?.trim ?? true) ? trim(original) : original;
  const result = options?.uppercase ? kept.toUpperCase() : kept;
  return {
    result,
    metadata: {
      processed_at: new Date().toISOString(),
      input_length: codePoints(original),
      output_length: codePoints(result),
      word_count: countWords(result),
    },
  };
}

export const processText = defineTool({
  name: 'process_text',
  title: 'Process text',
  description:
    'Trim a text, optionally convert it to upper case, and count its characters and words.',
  version: '1.0.0',
  scope: 'text:read',
  annotations: READ_ONLY,
  sideEffects: 'None.',
  input,
  output,
  run,
});
