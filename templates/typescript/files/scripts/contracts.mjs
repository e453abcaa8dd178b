// Rewrites contracts/{tools,resources,prompts} from the code; contracts/baseline is the last release and stays.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const { href } = new URL('../dist/contracts.js', import.meta.url);
/** @type {unknown} */
const compiled = await import(href);
const { contractFiles } = /** @type {typeof import('../src/contracts.js')} */ (compiled);

for (const kind of ['tools', 'resources', 'prompts']) {
  rmSync(join('contracts', kind), { recursive: true, force: true });
}
for (const [path, text] of contractFiles()) {
  const file = join('contracts', path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
