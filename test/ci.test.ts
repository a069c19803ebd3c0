import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, it, onTestFinished } from "vitest";

/** What `.ci/run` prints last for this report and this exit code of the tests. */
function totalsOf(report: object | null, testsCode: number) {
  const directory = mkdtempSync(join(tmpdir(), "totals-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  if (report) {
    mkdirSync(join(directory, "test-results"));
    writeFileSync(join(directory, "test-results/report.json"), JSON.stringify(report));
  }
  const script = resolve(".ci/totals.js");
  const { status, stdout } = spawnSync(process.execPath, [script, String(testsCode)], { cwd: directory });
  return { status, line: stdout.toString() };
}

const passed = { status: "passed", assertionResults: [{}] };

it("the totals are those of the report", () => {
  const report = { numPassedTests: 12, numFailedTests: 3, testResults: [passed] };

  expect(totalsOf(report, 1)).toEqual({ status: 0, line: "12 passed, 3 failed\n" });
});

it("a test file that did not load counts as a failure", () => {
  const unloaded = { status: "failed", assertionResults: [] };
  const report = { numPassedTests: 12, numFailedTests: 0, testResults: [passed, unloaded] };

  expect(totalsOf(report, 1).line).toBe("12 passed, 1 failed\n");
});

it("a run that failed never shows no failure", () => {
  const report = { numPassedTests: 12, numFailedTests: 0, testResults: [passed] };

  expect(totalsOf(report, 1).line).toBe("12 passed, 1 failed\n");
  expect(totalsOf(report, 0).line).toBe("12 passed, 0 failed\n");
});

it("without a report the totals fail, and the caller says so", () => {
  expect(totalsOf(null, 1)).toEqual({ status: 1, line: "" });
});
