/** What tools share: how they are declared, what they may use, common types and texts. */
import { text } from '../chassis/schemas.js';

export { defineTool, type ToolContext } from '../chassis/declarations.js';

/** Hints of a tool that changes nothing and reaches nothing outside of this server. */
export const READ_ONLY = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};

/** A short name that a caller chooses. */
export const NAME = /^[A-Za-z0-9_-]{1,64}$/;

export const operationId = text({ pattern: /^[A-Za-z0-9_-]{16,64}$/ });

export const NO_STATE = 'The state store cannot be reached.';
export const NO_OPERATION = 'The caller has no such operation.';
