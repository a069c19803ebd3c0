import { cpus, totalmem } from "node:os";
import { type Finding, type Goal, isMet } from "./case.ts";

export interface CaseReport {
  readonly name: string;
  readonly seconds: number;
  readonly findings: readonly Finding[];
  /** Why there are none. */
  readonly error?: string;
}

/** The class of machine, without its name: what a reader needs to judge absolute numbers. */
export function machine() {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
  };
}

const HEADINGS = ["case", "what", "ours", "baseline", "ratio", "goal", ""];

/** All findings as a Markdown table, columns aligned. */
export function tableOf(reports: readonly CaseReport[]): string {
  const rows = [HEADINGS, HEADINGS.map(() => "-"), ...reports.flatMap(rowsOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0, cell === "-" ? "-" : " ")).join(" | ")} |`;
  return rows.map(line).join("\n");
}

function rowsOf({ name, findings, error }: CaseReport): string[][] {
  if (error !== undefined) return [[name, "FAILED", "", "", "", "", ""]];
  return findings.map((finding) => {
    const { what, unit, ours, against, ratio, goal } = finding;
    return [
      name,
      what,
      `${figure(ours)} ${unit}`,
      against ? `${figure(against.value)} ${unit} (${against.what})` : "",
      ratio === undefined ? "" : `${figure(ratio)} ×`,
      goal ? goalText(goal, ratio === undefined ? unit : "×") : "",
      { true: "met", false: "MISSED", null: "" }[`${isMet(finding)}`],
    ];
  });
}

const goalText = (goal: Goal, unit: string) =>
  "atMost" in goal ? `≤ ${goal.atMost} ${unit}` : `≥ ${goal.atLeast} ${unit}`;

/** Three digits that count. */
function figure(value: number): string {
  if (value >= 1_000) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}
