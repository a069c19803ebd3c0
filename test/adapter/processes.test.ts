import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Applied, createAdapters, migrateToLatest } from "../../src/adapter.ts";
import { runnable } from "../support/compiled.ts";

const ROLES = 60;

let directory: string;
let url: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "adapter-processes-"));
  url = `file:${join(directory, "shared.db")}`;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Runs a module with `client` over the file and the adapter's exports in a process of its own; its last word as JSON. */
async function inProcess(body: string): Promise<unknown> {
  const { options, module } = runnable("src/adapter.ts");
  const script = `
    import { createClient } from "@libsql/client";
    import { createAdapters, migrateToLatest } from ${JSON.stringify(module)};
    const client = createClient({ url: ${JSON.stringify(url)} });
    ${body}`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...[...options, "--input-type=module"],
    ...["-e", script],
  ]);
  return JSON.parse(stdout);
}

const migrating = "process.stdout.write(JSON.stringify(await migrateToLatest(client)));";

/** Half of the roles alone, half in transactions; every one is reported only when it is done. */
const writing = (prefix: string) => `
  const adapters = createAdapters(client);
  const names = Array.from({ length: ${ROLES} }, (_, index) => "${prefix}-" + index);
  await Promise.all(names.map((name, index) => index % 2 === 0
    ? adapters.roles.create("t", { name })
    : adapters.transaction((inside) => inside.roles.create("t", { name }))));
  process.stdout.write(JSON.stringify(names));`;

it("migrates a file once when two processes start on it at the same time", async () => {
  const applied = (await Promise.all([inProcess(migrating), inProcess(migrating)])) as Applied[][];

  const ids = applied.flat().map(({ id }) => id);
  expect(ids.length).toBeGreaterThan(0);
  expect(new Set(ids).size).toBe(ids.length);
  expect(await migrateToLatest({ url })).toEqual([]);
});

it("keeps every write that two processes were told is done", async () => {
  await migrateToLatest({ url });

  const written = await Promise.all(["one", "two"].map((prefix) => inProcess(writing(prefix))));

  const { roles } = await createAdapters({ url }).roles.list("t", { per_page: 3 * ROLES });
  expect(roles.map(({ name }) => name).sort()).toEqual(written.flat().sort());
});
