/** The settings: those of every server, and this one's own. */
import { baseUrl, integer, key, MAX_COUNT, seconds } from './chassis/settings/kinds.js';
import {
  optional,
  secret,
  setting,
  type SettingsOf,
  STANDARD,
} from './chassis/settings/settings.js';

export const SETTINGS = {
  ...STANDARD,
  apiBaseUrl: optional('MCP_API_BASE_URL', baseUrl),
  apiKey: secret('MCP_API_KEY', key),
  apiTimeoutSeconds: setting('MCP_API_TIMEOUT_SECONDS', seconds(0.001), 5),
  apiMaxConcurrency: setting('MCP_API_MAX_CONCURRENCY', integer(1, MAX_COUNT), 16),
} as const;

export type Settings = SettingsOf<typeof SETTINGS>;
