// Scans code, secrets, dependencies and licences. Exit code 0: clean; 1: findings, or the advisory
// service could not be asked and ALLOW_UNAUDITED=1 does not accept that.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const WRITTEN_BY_TOOLS = new Set(['.git', 'build', 'coverage', 'dist', 'node_modules']);

const LICENCES = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense',
]);
/** Weak copyleft: fine for tools of development, which are not shipped. */
const DEVELOPMENT_LICENCES = new Set([...LICENCES, 'MPL-2.0', 'CC-BY-4.0']);

/** A line that says `not-a-secret: REASON` is passed over. */
const NOT_A_SECRET = /not-a-secret: \S/;

/** @type {[string, RegExp][]} */
const SECRETS = [
  ['private key', /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----/],
  ['AWS access key', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/],
  ['GitHub token', /\b(?:gh[oprsu]_[A-Za-z0-9]{36}|github_pat_\w{60})/],
  ['GitLab token', /\bglpat-[\w-]{20}/],
  ['Google API key', /\bAIza[\w-]{35}/],
  ['JSON Web Token', /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/],
  ['model provider key', /\bsk-(?:ant-|proj-)?[A-Za-z0-9]{20}/],
  ['npm token', /\bnpm_[A-Za-z0-9]{36}/],
  ['Slack token', /\bxox[abeoprs]-[A-Za-z0-9-]{10}/],
  ['Stripe key', /\b[rs]k_live_[A-Za-z0-9]{20}/],
];
const ASSIGNED =
  /(?:api_?key|passwd|password|private_?key|secret|token)["']?\s*[:=]\s*["']?([\w+/=.-]{20,})/i;

/**
 * Bits per character: words and identifiers stay below 4, random keys are above.
 * @param {string} text
 */
function entropy(text) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce(
    (sum, count) => sum - (count / text.length) * Math.log2(count / text.length),
    0,
  );
}

/**
 * What kinds of secret stand in a text, with their line numbers; never the secret itself.
 * @param {string} text
 */
export function findSecrets(text) {
  return text.split('\n').flatMap((line, index) => {
    if (NOT_A_SECRET.test(line)) return [];
    const kinds = SECRETS.filter(([, pattern]) => pattern.test(line)).map(([kind]) => kind);
    const value = ASSIGNED.exec(line)?.[1];
    if (value !== undefined && /\d/.test(value) && entropy(value) > 4)
      kinds.push('assigned secret');
    return kinds.map((kind) => ({ line: index + 1, kind }));
  });
}

/**
 * The files that git tracks or would track; without git, all that tools have not written.
 * @param {string} root
 * @returns {string[]}
 */
function sourceFiles(root) {
  const git = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  const tracked = git.status === 0 ? git.stdout.split('\0').filter(Boolean) : [];
  if (tracked.length > 0) return tracked.filter((path) => existsSync(join(root, path)));
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((path) => !path.split(/[\\/]/).some((part) => WRITTEN_BY_TOOLS.has(part)));
}

/**
 * @param {string} root
 * @returns {string[]} one line per finding
 */
export function scanSecrets(root) {
  return sourceFiles(root).flatMap((path) =>
    findSecrets(readFileSync(join(root, path), 'utf8')).map(
      ({ line, kind }) => `${path}:${line}: ${kind}`,
    ),
  );
}

/**
 * @param {string} path
 * @returns {unknown}
 */
function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/**
 * @param {string} root
 * @returns {string[]}
 */
export function scanLicences(root) {
  const lock = /** @type {{ packages: Record<string, { dev?: boolean, license?: string }> }} */ (
    readJson(join(root, 'package-lock.json'))
  );
  return Object.entries(lock.packages).flatMap(([path, locked]) => {
    if (path === '') return [];
    const manifest = join(root, path, 'package.json');
    const installed = /** @type {{ license?: string }} */ (
      existsSync(manifest) ? readJson(manifest) : locked
    );
    const licence = installed.license ?? locked.license ?? 'none';
    const allowed = locked.dev ? DEVELOPMENT_LICENCES : LICENCES;
    // "(MIT OR GPL-3.0)": one allowed choice is enough.
    const choices = licence.replace(/^\((.*)\)$/, '$1').split(' OR ');
    return choices.some((choice) => allowed.has(choice)) ? [] : [`${path}: licence ${licence}`];
  });
}

/** @returns {string[]} */
function scanCode() {
  const eslint = spawnSync(
    process.execPath,
    ['node_modules/eslint/bin/eslint.js', '--config', 'eslint.security.js', 'src', 'scripts'],
    { encoding: 'utf8' },
  );
  return eslint.status === 0 ? [] : [(eslint.stdout + eslint.stderr).trim()];
}

/**
 * What `npm audit --json` said: its findings, or null when the advisory service gave no answer.
 * @param {string} output
 * @returns {string[] | null}
 */
export function readAudit(output) {
  /** @type {unknown} */
  let answer;
  try {
    answer = JSON.parse(output);
  } catch {
    return null;
  }
  const report =
    /** @type {{ vulnerabilities?: Record<string, { severity: string, range: string }> }} */ (
      answer
    );
  if (report.vulnerabilities === undefined) return null;
  return Object.entries(report.vulnerabilities).map(
    ([name, { severity, range }]) => `${name} ${range}: ${severity}`,
  );
}

function scanAdvisories() {
  // Through a shell, because npm is a script on Windows.
  const npm = spawnSync('npm audit --json --fetch-retries=1 --fetch-retry-mintimeout=1000', {
    shell: true,
    encoding: 'utf8',
  });
  return readAudit(npm.stdout);
}

function main() {
  const root = process.cwd();
  const checks = [
    { name: 'static analysis', findings: scanCode() },
    { name: 'secrets', findings: scanSecrets(root) },
    { name: 'licences', findings: scanLicences(root) },
    { name: 'advisories', findings: scanAdvisories() },
  ];
  let failed = false;
  for (const { name, findings } of checks) {
    if (findings === null) {
      const accepted = process.env['ALLOW_UNAUDITED'] === '1';
      failed ||= !accepted;
      console.log(
        `${name}: NOT CHECKED, the advisory service could not be asked` +
          (accepted
            ? ' (accepted by ALLOW_UNAUDITED=1)'
            : '; set ALLOW_UNAUDITED=1 to accept that'),
      );
    } else if (findings.length > 0) {
      failed = true;
      console.log(`${name}: ${findings.length} found\n  ${findings.join('\n  ')}`);
    } else {
      console.log(`${name}: clean`);
    }
  }
  process.exitCode = failed ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
