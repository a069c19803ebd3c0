/** Files, and directories of files, that change or measure the process they run in: each file has one of its own. */
export const ALONE: readonly string[] = [
  "test/budget",
  "test/db",
  "test/traces",
  "test/e2e/secrets.test.ts",
  "test/provisioning/file.test.ts",
];
