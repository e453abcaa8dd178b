/** `config://server-settings`: what this server is and how it is set up. */
import type { Resource } from '../chassis/declarations.js';

export const serverSettings: Resource = {
  name: 'server_settings',
  title: 'Server settings',
  description:
    "The server's effective settings, version and capabilities as JSON, without secrets.",
  version: '1.0.0',
  uri: 'config://server-settings',
  mimeType: 'application/json',
  scope: 'config:read',
  read: (_variable, { describeServer }) => describeServer(),
};
