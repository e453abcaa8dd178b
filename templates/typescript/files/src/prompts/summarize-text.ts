/** summarize_text: ask for a short summary. */
import type { Prompt } from '../chassis/declarations.js';

export const summarizeText: Prompt = {
  name: 'summarize_text',
  title: 'Summarize a text',
  description: 'Ask for a summary of a text in three sentences or fewer.',
  version: '1.0.0',
  arguments: { text: 'Text to summarize.' },
  render: ({ text = '' }) => `Summarize the following text in three sentences or fewer.\n\n${text}`,
};
