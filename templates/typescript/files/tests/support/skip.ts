/** Says on stderr what is not tested here, and what it takes; returns true, for `describe.skipIf`. */
export function skippedBecause(reason: string): true {
  process.stderr.write(`SKIPPED: ${reason}\n`);
  return true;
}
