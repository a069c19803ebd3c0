import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { dashboard } from "./dashboard.ts";
import { metricsTable } from "./metrics.ts";
import { envExample, settingsTable } from "./settings.ts";

/** The files of the repository that are made of the code, wholly or between two marks, and what has to stand in them. */
export const DOCUMENTS: Readonly<Record<string, (current: string) => string>> = {
  ".env.example": envExample,
  "docs/configuration.md": (current) => between(current, "settings", settingsTable()),
  "docs/observability.md": (current) => between(current, "metrics", metricsTable()),
  "ops/grafana/rowhouse.json": dashboard,
};

/** The text with other content between `<!-- name:begin -->` and `<!-- name:end -->`. */
function between(text: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const [before, rest = ""] = text.split(begin);
  const [, after] = rest.split(end);
  if (after === undefined) throw new Error(`There is no ${begin} … ${end}`);
  return `${before}${begin}\n\n${content}\n${end}${after}`;
}

/** `npm run documents`: writes them anew. */
function main(): void {
  for (const [path, made] of Object.entries(DOCUMENTS)) writeFileSync(path, made(readFileSync(path, "utf8")));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) main();
