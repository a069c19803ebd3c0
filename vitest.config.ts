import { join } from "node:path";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { ALONE } from "./test/support/alone.ts";

const FILES = "test/**/*.test.ts";
const FILES_ALONE = ALONE.map((path) => (path.endsWith(".ts") ? path : `${path}/**/*.test.ts`));

/** What takes longest is begun first, so that no core waits for it at the end. */
const LONGEST = [
  "test/provisioning/outward-calls.test.ts",
  "test/docs/blocks.test.ts",
  "test/provisioning/reconcile.test.ts",
  "test/provisioning/killed.test.ts",
  "test/cli/server.test.ts",
  "test/http/matrix/matrix.test.ts",
  "test/e2e/processes.test.ts",
  "test/provisioning/turso-faults.test.ts",
  "test/e2e/restart.test.ts",
  "test/examples.test.ts",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    // Files that share a process follow one another.
    const alone = sorted.filter(({ project }) => project.config.isolate);
    const together = sorted.filter(({ project }) => !project.config.isolate);
    const isLong = ({ moduleId }: TestSpecification) => LONGEST.some((path) => moduleId.endsWith(`/${path}`));
    return [...alone, ...together.filter(isLong), ...together.filter((file) => !isLong(file))];
  }
}

function project(name: string, files: TestProjectInlineConfiguration["test"]): TestProjectInlineConfiguration {
  return {
    resolve: {
      // The examples import the package by its name, as applications do.
      alias: [
        { find: /^rowhouse$/, replacement: join(import.meta.dirname, "src/index.ts") },
        { find: "rowhouse/adapter", replacement: join(import.meta.dirname, "src/adapter.ts") },
      ],
    },
    test: {
      name,
      environment: "node",
      setupFiles: ["fresh-modules.ts", "localhost.ts"].map((file) => join(import.meta.dirname, "test/support", file)),
      // Native database handles are not made to be shared between threads of one process.
      pool: "forks",
      // Password hashing and key generation are slow on a busy machine; nothing here waits on purpose.
      testTimeout: 60_000,
      hookTimeout: 60_000,
      ...files,
    },
  };
}

export default defineConfig({
  test: {
    globalSetup: [join(import.meta.dirname, "test/support/compiling.ts")],
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    reporters: ["default", "json"],
    outputFile: { json: "test-results/report.json" },
    projects: [
      project("alone", { include: FILES_ALONE }),
      // One file after the other in one process, which has loaded AuthHero already; our modules are each file's own.
      project("together", { include: [FILES], exclude: FILES_ALONE, isolate: false }),
    ],
  },
});
