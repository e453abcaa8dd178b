/** The audit: who did what with which outcome, never with which values. */
import { createHmac, randomBytes } from 'node:crypto';

import { canonicalJson } from '../json.js';
import type { Logger } from './logs.js';

const DIGEST_KEY = randomBytes(32);

export interface AuditEntry {
  readonly subject: string;
  /** Of the tool, resource or prompt. */
  readonly name: string | null;
  readonly outcome: string;
  /** What the call needed. */
  readonly scopes: readonly string[];
  /** Recorded as a keyed digest only. */
  readonly args?: unknown;
}

/** Who did what with which outcome; equal arguments have equal digests within one process. */
export class Audit {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger.child({ logger: 'audit' });
  }

  record(event: string, { args, ...entry }: AuditEntry): void {
    this.#logger.info(
      { ...entry, arguments_digest: args === undefined ? null : digest(args) },
      `audit.${event}`,
    );
  }

  secretRead(name: string): void {
    this.#logger.info({ name, outcome: 'success' }, 'audit.secret_read');
  }
}

function digest(args: unknown): string {
  return createHmac('sha256', DIGEST_KEY).update(canonicalJson(args)).digest('hex');
}
