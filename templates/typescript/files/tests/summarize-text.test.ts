import { expect, test } from 'vitest';

import { summarizeText } from '../src/prompts/summarize-text.js';

test('the prompt asks for a summary of the text', () => {
  expect(summarizeText.render({ text: 'A long text.' })).toBe(
    'Summarize the following text in three sentences or fewer.\n\nA long text.',
  );
});
