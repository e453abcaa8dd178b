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
        lines: 85,
        branches: 85,
        // The business logic, free of the protocol.
        'src/tools/**': { lines: 95, branches: 95 },
      },
    },
  },
});
