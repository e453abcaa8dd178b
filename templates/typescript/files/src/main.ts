#!/usr/bin/env node
/** Entry point. */
import { run } from './chassis/process.js';
import { server } from './server.js';

process.exit(await run(server, process.argv.slice(2)));
