import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Contract } from './compatibility.js';

export const KINDS = ['tools', 'resources', 'prompts'];

/** The text of every contract below `folder`, by its path: `tools/process_text.json`. */
export function readContractTexts(folder: string): Map<string, string> {
  const paths = KINDS.filter((kind) => existsSync(join(folder, kind))).flatMap((kind) =>
    readdirSync(join(folder, kind)).map((file) => `${kind}/${file}`),
  );
  return new Map(paths.sort().map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}

export function readContracts(folder: string): Map<string, Contract> {
  const texts = [...readContractTexts(folder)];
  return new Map(texts.map(([path, text]) => [path, JSON.parse(text) as Contract]));
}
