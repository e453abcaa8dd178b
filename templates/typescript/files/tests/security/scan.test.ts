// The scan finds what is planted, and tells "nothing found" from "could not ask".
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { findSecrets, readAudit, scanLicences, scanSecrets } from '../../scripts/security-scan.mjs';
import { temporaryFolder } from '../support/folders.js';

/** A folder with these files. */
function plant(files: Record<string, string>): string {
  const root = temporaryFolder();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

describe('secrets', () => {
  // Put together here, so that this file is no finding itself.
  test.each([
    ['private key', ['-----BEGIN RSA PRIVATE', 'KEY-----'].join(' ')],
    ['AWS access key', ['AKIA', 'Q3EGRIWTTMZ7YPLX'].join('')],
    ['GitHub token', `ghp_${'a1B2'.repeat(9)}`],
    ['JSON Web Token', ['eyJhbGciOiJIUzI1NiJ9', 'eyJzdWIiOiJhbGljZSJ9', 'c2lnbmF0dXJl'].join('.')],
    ['npm token', `npm_${'x9Yz'.repeat(9)}`],
    ['assigned secret', ['apiKey: "', 'kV8sZq3LmX0rT7bWcY5uPd"'].join('')],
  ])('a planted %s is found by kind and line, without its value', (kind, secret) => {
    const root = plant({ 'src/planted.ts': `// first line\nconst planted = "${secret}";\n` });
    expect(scanSecrets(root)).toContain(`${join('src', 'planted.ts')}:2: ${kind}`);
    expect(scanSecrets(root).join()).not.toContain(secret);
  });

  test.each([
    'const apiKey = settings.apiKey?.read() ?? loadFromEnvironment();',
    'MCP_API_KEY=replace-this-with-your-own-key-please',
    'token: kV8sZq3LmX0rT7bWcY5uPd not-a-secret: an example of the documents',
    '"integrity": "sha512-CXvKMFvM80ihI7Vox9jb+kQjnyjESQNPM+vB7U0Zz6TWuZA=="',
  ])('%s is none', (line) => {
    expect(findSecrets(line)).toEqual([]);
  });

  test('this repository holds none', () => {
    expect(scanSecrets(process.cwd())).toEqual([]);
  });
});

test('a planted unsafe call is found', () => {
  const eslint = ['node_modules/eslint/bin/eslint.js', '--config', 'eslint.security.js', '--stdin'];
  const scan = (code: string) =>
    spawnSync(process.execPath, [...eslint, '--stdin-filename', 'src/planted.ts'], {
      input: code,
      encoding: 'utf8',
    });
  const report = scan("import { exec } from 'node:child_process';\nexec(process.argv[2] ?? '');\n");
  expect(report.status).toBe(1);
  expect(report.stdout).toContain('security/detect-child-process');
  expect(scan('export const fine = 1;\n').status).toBe(0);
});

describe('licences', () => {
  const lock = (packages: object) => ({ 'package-lock.json': JSON.stringify({ packages }) });

  test('outside the allow list are found', () => {
    const root = plant(
      lock({
        '': { license: 'UNLICENSED' },
        'node_modules/fine': { license: 'MIT' },
        'node_modules/choice': { license: '(GPL-3.0-only OR Apache-2.0)' },
        'node_modules/copyleft': { license: 'AGPL-3.0-only' },
        'node_modules/silent': {},
        'node_modules/weak': { license: 'MPL-2.0' },
        'node_modules/weak-tool': { license: 'MPL-2.0', dev: true },
      }),
    );
    expect(scanLicences(root)).toEqual([
      'node_modules/copyleft: licence AGPL-3.0-only',
      'node_modules/silent: licence none',
      'node_modules/weak: licence MPL-2.0',
    ]);
  });

  test('are read from what is installed, whatever the lock says', () => {
    const root = plant({
      ...lock({ 'node_modules/changed': { license: 'MIT' } }),
      'node_modules/changed/package.json': '{"license": "SSPL-1.0"}',
    });
    expect(scanLicences(root)).toEqual(['node_modules/changed: licence SSPL-1.0']);
  });
});

describe('the audit', () => {
  test('has three outcomes: clean, findings, no answer', () => {
    expect(readAudit('{"vulnerabilities": {}}')).toEqual([]);
    expect(
      readAudit('{"vulnerabilities": {"left": {"severity": "high", "range": "<2.0.0"}}}'),
    ).toEqual(['left <2.0.0: high']);
    expect(readAudit('{"message": "405 Method Not Allowed", "error": {}}')).toBeNull();
    expect(readAudit('')).toBeNull();
  });
});
