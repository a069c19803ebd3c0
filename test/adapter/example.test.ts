import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const run = promisify(execFile);

it("the example in examples/adapter.ts runs as it stands, on the built package", async () => {
  const directory = mkdtempSync(join(tmpdir(), "example-"));
  await run(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"]);

  const env = { ...process.env, DATABASE_URL: `file:${join(directory, "pooled.db")}` };
  const { stdout } = await run(process.execPath, ["--import", "tsx", "examples/adapter.ts"], { env });

  expect(stdout.trim()).toBe("http://localhost:3000/");
  rmSync(directory, { recursive: true, force: true });
});

it("is what docs/adapter.md shows", () => {
  const [, block = ""] = /```ts\n([\s\S]*?)```/.exec(readFileSync("docs/adapter.md", "utf8")) ?? [];
  const example = readFileSync("examples/adapter.ts", "utf8");

  const lines = block.split("\n").filter((line) => line.trim() !== "");
  expect(lines.length).toBeGreaterThan(5);
  for (const line of lines) expect(example).toContain(line);
});
