import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    testTimeout: 40_000,
    hookTimeout: 40_000,
    coverage: {
      include: ['src/**'],
      reporter: ['text', 'json-summary'],
      thresholds: {
        // main.ts and parts of stdio.ts run in processes of their own, where nothing is counted.
        lines: 85,
        branches: 80,
        // The business logic, free of the protocol.
        'src/tools/**': { lines: 95, branches: 95 },
      },
    },
  },
});
