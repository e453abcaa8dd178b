/** What package.json says about this server. */
import { readFileSync } from 'node:fs';

import * as z from 'zod';

const Manifest = z.object({ name: z.string(), version: z.string(), description: z.string() });

const manifest = Manifest.parse(
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')),
);

export const NAME = manifest.name;
export const VERSION = manifest.version;
export const DESCRIPTION = manifest.description;
