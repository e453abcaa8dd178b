import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    testTimeout: 40_000,
    hookTimeout: 40_000,
    coverage: {
      include: ['src/**/*.ts'],
      reporter: ['text', 'json-summary'],
      thresholds: {
        // main.ts and process.ts run in processes of their own, where nothing is counted.
        lines: 85,
        branches: 80,
        // What is this server's own.
        'src/{tools,resources,prompts,services}/*.ts': { lines: 95, branches: 95 },
      },
    },
  },
});
