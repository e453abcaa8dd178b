// Who may import whom; `make lint` holds it. Imports go one way:
// main → server → tools, resources, prompts → services → settings → chassis.
const layers = [
  ['chassis', '^src/chassis/'],
  ['settings', '^src/settings\\.ts$'],
  ['services', '^src/services/'],
  ['items', '^src/(tools|resources|prompts)/'],
  ['server', '^src/server\\.ts$'],
  ['main', '^src/main\\.ts$'],
];

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-circles',
      comment: 'Two modules that need each other are one, or share a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    ...layers.slice(0, -1).map(([name, path], index) => ({
      name: `${name}-knows-nothing-above`,
      comment: `${name} must not import what is built on it.`,
      severity: 'error',
      from: { path },
      to: { path: layers.slice(index + 1).map(([, above]) => above) },
    })),
    {
      name: 'items-of-one-kind',
      comment: 'Tools, resources and prompts share what they need through chassis and services.',
      severity: 'error',
      from: { path: '^src/(tools|resources|prompts)/' },
      to: { path: '^src/(tools|resources|prompts)/', pathNot: '^src/$1/' },
    },
    {
      name: 'the-sdk-stays-in-transports',
      comment: 'The next major version of the SDK must touch few files.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(main|server)\\.ts$|^src/chassis/transports/' },
      to: { path: 'node_modules/@modelcontextprotocol/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
  },
};
