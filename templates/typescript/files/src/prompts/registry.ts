/** The prompts, in the order in which clients see them. */
import type { Prompt } from '../chassis/declarations.js';
import { summarizeText } from './summarize-text.js';

export const prompts: readonly Prompt[] = [summarizeText];
