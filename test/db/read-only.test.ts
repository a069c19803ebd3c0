import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openReadOnly } from "../../src/db/read-only.ts";

const NOBODY = 65_534;

let directory: string;
const at = (name: string) => join(directory, name);

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "read-only-"));
  chmodSync(directory, 0o755);
  writeFileSync(at("closed.db"), "", { mode: 0o600 });
  chmodSync(at("closed.db"), 0);
  mkdirSync(at("directory.db"));
  mkdirSync(at("locked"));
  writeFileSync(at("locked/in.db"), "");
  chmodSync(at("locked"), 0);
  symlinkSync(at("loop.db"), at("loop.db"));
});
afterAll(() => {
  chmodSync(at("locked"), 0o700);
  rmSync(directory, { recursive: true, force: true });
});

const refusal = (name: string) =>
  openReadOnly(at(name)).then(
    () => "opened",
    ({ reason, message }) => [reason, message.replace(directory, "…")],
  );

/** Root may read everything, so somebody else looks. */
function refusalToSomebody(name: string): unknown {
  const script = `import { openReadOnly } from ${JSON.stringify(resolve("src/db/read-only.ts"))};
    const told = await openReadOnly(${JSON.stringify(at(name))}).then(() => "opened", (error) => [error.reason, error.message]);
    console.log(JSON.stringify(told));`;
  const somebody = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const args = ["--import", "tsx", "--input-type=module", "--eval", script];
  const told = execFileSync(process.execPath, args, { ...somebody, encoding: "utf8" });
  return JSON.parse(told.replace(directory, "…"));
}

it.each([
  ["nowhere.db", "database_missing", "There is no database file …/nowhere.db"],
  ["closed.db/in.db", "database_missing", "There is no database file …/closed.db/in.db"],
  ["directory.db", "database_unreadable", "…/directory.db is a directory, and no database file"],
  ["loop.db", "database_unreadable", "…/loop.db cannot be read (ELOOP)"],
])("%s cannot be opened, and what is the matter is said", async (name, reason, message) => {
  expect(await refusal(name)).toEqual([reason, message]);
});

it.each(["closed.db", "locked/in.db"])("%s, which is there, is not said to be missing", (name) => {
  expect(refusalToSomebody(name)).toEqual(["database_unreadable", `…/${name} may not be read by this user (EACCES)`]);
});

it("a device is no file", async () => {
  await expect(openReadOnly("/dev/null")).rejects.toMatchObject({ message: "/dev/null is no file" });
});
