// Rewrites contracts/{tools,resources,prompts} from the code; contracts/baseline is the last release and stays.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * What the compiler made of a module; its types are those of the source.
 * @param {string} path
 * @returns {Promise<unknown>}
 */
const compiled = (path) => import(new URL(`../dist/${path}`, import.meta.url).href);
const { contractFiles } = /** @type {typeof import('../src/chassis/contracts.js')} */ (
  await compiled('chassis/contracts.js')
);
const { server } = /** @type {typeof import('../src/server.js')} */ (await compiled('server.js'));

for (const kind of ['tools', 'resources', 'prompts']) {
  rmSync(join('contracts', kind), { recursive: true, force: true });
}
for (const [path, text] of contractFiles(server)) {
  const file = join('contracts', path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
