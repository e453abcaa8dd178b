import { describe, expect, test } from 'vitest';

import { readSettings, STANDARD } from '../../src/chassis/settings/settings.js';
import { Site } from '../../src/chassis/site.js';

const newSite = (settings: Record<string, string>) =>
  new Site(readSettings({ settings: STANDARD }, settings));

describe('whose rate limit a request uses up', () => {
  const site = newSite({ MCP_TRUSTED_PROXIES: '127.0.0.0/8, 10.0.0.1, 2001:db8:ffff::/48' });

  test.each([
    ['nobody else may speak for it', '192.0.2.9', ['6.6.6.6'], '192.0.2.9'],
    ['a trusted proxy names it', '127.0.0.1', ['6.6.6.6, 192.0.2.1'], '192.0.2.1'],
    ['the lines are one', '127.0.0.1', ['6.6.6.6', '192.0.2.1'], '192.0.2.1'],
    ['through several proxies', '127.0.0.1', ['192.0.2.1, 10.0.0.1'], '192.0.2.1'],
    ['without its port', '127.0.0.1', ['192.0.2.1:4711'], '192.0.2.1'],
    ['mapped to IPv6', '::ffff:127.0.0.1', ['::ffff:192.0.2.1'], '192.0.2.1'],
    [
      'by the network that it can choose from',
      '127.0.0.1',
      ['[2001:db8::1]:4711'],
      '2001:db8::/64',
    ],
    ['in another spelling', '127.0.0.1', ['2001:DB8:0:0:1::2%eth0'], '2001:db8::/64'],
    ['up to what cannot be read', '127.0.0.1', ['6.6.6.6, unknown, 10.0.0.1'], '10.0.0.1'],
    ['without a peer', undefined, ['6.6.6.6'], 'unknown'],
  ])('%s', (_case, peer, lines, caller) => {
    expect(site.caller(peer, lines)).toBe(caller);
  });
});

test('the metadata are where the public URL puts them, and where a proxy that takes its path leaves them', () => {
  const { metadataUrl, metadataPaths, resource } = newSite({ MCP_PUBLIC_URL: 'https://h/team/' });
  expect(resource).toBe('https://h/team/mcp');
  expect(metadataUrl).toBe('https://h/.well-known/oauth-protected-resource/team/mcp');
  expect(metadataPaths).toEqual([
    '/.well-known/oauth-protected-resource/mcp',
    '/.well-known/oauth-protected-resource/team/mcp',
  ]);
});
