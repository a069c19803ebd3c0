import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ALONE } from "./support/alone.ts";

/** What the next file in the process would meet. Modules are not among it: each file has them anew. */
const TRACES_LEFT = [
  /\bglobalThis(?:\.\w+|\[[^\]]+\])\s*=(?!=)/,
  /\bprocess\.env(?:\.\w+|\[[^\]]+\])\s*=(?!=)/,
  /\bdelete process\.env\b/,
  /\bprocess\.(?:chdir|umask|setuid|on)\(/,
  /\bvi\.(?:stubGlobal|useFakeTimers|spyOn|mock|doMock)\(/,
  /\bnew NodeTracerProvider\b[^;]*\.register\(/,
];

const leavesTraces = (text: string) => TRACES_LEFT.some((trace) => trace.test(text));
/** It runs in the process of Vitest itself. */
const SETUP = "test/support/compiling.ts";

it("test files that share a process leave it as it was", () => {
  const found = readdirSync("test", { recursive: true, encoding: "utf8" })
    .map((path) => join("test", path))
    .filter((path) => path.endsWith(".ts") && path !== SETUP)
    .filter((path) => !ALONE.some((place) => path === place || path.startsWith(`${place}/`)))
    .filter((path) => leavesTraces(readFileSync(path, "utf8")));

  expect(found).toEqual([]);
});

// In two parts: this file is one of those that are looked at.
it.each([
  ["globalThis", ".fetch = observed;"],
  ["process", ".env.TZ = 'UTC';"],
  ["vi", ".stubGlobal('fetch', observed);"],
  ["new NodeTracer", "Provider({}).register();"],
])("%s%s would be noticed", (begin, end) => {
  expect(leavesTraces(begin + end)).toBe(true);
});
