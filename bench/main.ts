import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Finding } from "./case.ts";
import { cases } from "./cases/index.ts";
import { type CaseReport, machine, tableOf } from "./report.ts";

const RESULTS = join(import.meta.dirname, "results");

const USAGE = `npm run bench                      all cases, as a table; the numbers as JSON in bench/results
npm run bench -- --only a,b        only these
npm run bench -- --help            this, and the cases:

${Object.entries(cases)
  .map(([name, { about }]) => `  ${name.padEnd(24)}${about}`)
  .join("\n")}
`;

/** Each case runs in a process of its own: what one has compiled, opened or kept must not count for the next. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { only: { type: "string" }, help: { type: "boolean" } } });
  if (values.help) return void process.stdout.write(USAGE);
  const names = chosen(values.only);
  const began = performance.now();
  const directory = mkdtempSync(join(tmpdir(), "rowhouse-bench-"));
  const reports: CaseReport[] = [];
  try {
    for (const name of names) {
      process.stderr.write(`${name} …`);
      const report = await runCase(name, directory);
      process.stderr.write(` ${report.error ?? `${report.seconds.toFixed(1)} s`}\n`);
      reports.push(report);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  process.stderr.write(`${((performance.now() - began) / 60_000).toFixed(1)} minutes\n`);
  const now = new Date().toISOString();
  process.stdout.write(`\n${now.slice(0, 10)}, ${JSON.stringify(machine())}\n\n${tableOf(reports)}\n`);
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(
    join(RESULTS, `${now.replaceAll(":", "-")}.json`),
    JSON.stringify({ at: now, machine: machine(), reports }, null, 2),
  );
  if (reports.some(({ error }) => error !== undefined)) process.exitCode = 1;
}

function chosen(only: string | undefined): readonly string[] {
  const wanted = only?.split(",") ?? Object.keys(cases);
  const unknown = wanted.filter((name) => !Object.hasOwn(cases, name));
  if (unknown.length === 0) return wanted;
  process.stderr.write(`There is no case ${unknown.join(", ")}.\n\n${USAGE}`);
  return process.exit(2);
}

async function runCase(name: string, directory: string): Promise<CaseReport> {
  const began = performance.now();
  const child = fork(join(import.meta.dirname, "run-case.ts"), [name, directory], {
    // The garbage is collected on demand before memory is read.
    execArgv: ["--expose-gc", "--import", "tsx"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  let findings: readonly Finding[] | undefined;
  child.on("message", (message) => {
    findings = message as readonly Finding[];
  });
  const [code] = await once(child, "exit");
  const seconds = (performance.now() - began) / 1_000;
  if (findings && code === 0) return { name, seconds, findings };
  return { name, seconds, findings: [], error: `ended with code ${code}` };
}

await main();
