/** `operation://{operation_id}`: one of the caller's operations. */
import type { Resource } from '../chassis/declarations.js';
import { describeOperation } from '../chassis/state/operations.js';

export const operation: Resource = {
  name: 'operation',
  title: 'Operation',
  description: "Status, progress and result of one of the caller's operations as JSON.",
  version: '1.0.0',
  uri: 'operation://{operation_id}',
  mimeType: 'application/json',
  scope: 'operations:read',
  needs: ({ enableWrites }) => enableWrites,
  read: async (id, { operations, subject }) => describeOperation(await operations.get(subject, id)),
};
