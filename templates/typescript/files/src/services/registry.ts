/** The external services, in the order in which `/health` lists them. */
import type { Service } from '../chassis/declarations.js';
import { records } from './records.js';

export const services: readonly Service<unknown>[] = [records];
