/** The tools, in the order in which clients see them. */
import type { Tool } from '../chassis/declarations.js';
import { cancelOperation } from './cancel-operation.js';
import { checkOperationStatus } from './check-operation-status.js';
import { lookupRecord } from './lookup-record.js';
import { processText } from './process-text.js';
import { startOperation } from './start-operation.js';

export const tools: readonly Tool[] = [
  processText,
  lookupRecord,
  startOperation,
  checkOperationStatus,
  cancelOperation,
];
