import { readFileSync } from "node:fs";

/**
 * Prints `N passed, N failed` from the report of `npm test`, whose exit code is the argument.
 * A file that could not be loaded has no tests to count and counts as one failure; so does a run that
 * failed although every test passed, as by an unhandled rejection. Without a report it exits with 1.
 */
const testsCode = Number(process.argv[2]);
const report = JSON.parse(readFileSync("test-results/report.json", "utf8"));

const unloaded = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
const failed = report.numFailedTests + unloaded.length;
process.stdout.write(`${report.numPassedTests} passed, ${failed === 0 && testsCode !== 0 ? 1 : failed} failed\n`);
