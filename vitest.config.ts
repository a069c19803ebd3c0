import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: {
    // The examples import the package by its name, as applications do.
    alias: [
      { find: /^rowhouse$/, replacement: join(import.meta.dirname, "src/index.ts") },
      { find: "rowhouse/adapter", replacement: join(import.meta.dirname, "src/adapter.ts") },
    ],
  },
  test: {
    environment: "node",
    include: ["test/**/*.test.ts"],
    globalSetup: [join(import.meta.dirname, "test/support/compiling.ts")],
    setupFiles: [join(import.meta.dirname, "test/support/localhost.ts")],
    // Native database handles are not made to be shared between threads of one process.
    pool: "forks",
    maxWorkers: 2,
    // Password hashing and key generation are slow on a busy machine; nothing here waits on purpose.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ["default", "json"],
    outputFile: { json: "test-results/report.json" },
  },
});
