// Compiles src into dist, and copies what else the server reads.
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
const tsc = ['node_modules/typescript/bin/tsc', '--project', 'tsconfig.build.json'];
const { status } = spawnSync(process.execPath, tsc, { stdio: ['ignore', 2, 2] });
if (status === 0) {
  const scripts = (/** @type {string} */ path) => !path.endsWith('.ts');
  cpSync('src/chassis/state', 'dist/chassis/state', { recursive: true, filter: scripts });
}
process.exitCode = status ?? 1;
