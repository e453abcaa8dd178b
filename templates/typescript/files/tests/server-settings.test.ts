import { expect, test } from 'vitest';

import { NAME, VERSION } from '../src/chassis/package.js';
import { serverSettings } from '../src/resources/server-settings.js';
import { server } from '../src/server.js';
import { serve } from './support/app.js';
import { contentsText, post, readResource } from './support/rpc.js';

test('the settings are shown, without secrets and without credentials in URLs', async () => {
  const { url } = await serve(
    { MCP_STATE_URL: 'redis://user:canary-password@127.0.0.1:1/0', MCP_MAX_QUEUE: '7' },
    { ...server, resources: [serverSettings] },
  );
  const text = contentsText(await post(url, readResource(serverSettings.uri)));
  expect(JSON.parse(text)).toMatchObject({
    name: NAME,
    version: VERSION,
    settings: {
      MCP_SERVER_NAME: NAME,
      MCP_ENABLE_WRITES: false,
      MCP_MAX_QUEUE: 7,
      MCP_PUBLIC_URL: url,
      MCP_STATE_URL: 'redis://127.0.0.1:1/0',
    },
  });
  expect(text).not.toContain('canary');
});
