/** The resources, in the order in which clients see them. */
import type { Resource } from '../chassis/declarations.js';
import { operation } from './operation.js';
import { serverSettings } from './server-settings.js';

export const resources: readonly Resource[] = [serverSettings, operation];
