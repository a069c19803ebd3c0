import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { ask, notesOf, type Street, streets, until } from "./street.ts";

const { street } = streets();

const CROWD = 60;
const times = <T>(value: T) => Array.from({ length: CROWD }, () => value);
const holders: { release(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const holder of holders.splice(0)) await holder.release();
});

/** Another process that has a lock of a file until it is released, as a backup or somebody's shell has. */
async function lock(path: string, sql: string) {
  const program = `
    const db = new (require("libsql"))(process.argv[1]);
    db.exec(process.argv[2]);
    process.stdout.write("held");
    process.stdin.once("end", () => process.exit()).resume();`;
  const child = spawn(process.execPath, ["-e", program, path, sql], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const release = async () => {
    if (child.exitCode !== null) return;
    child.stdin.end();
    await once(child, "exit");
  };
  holders.push({ release });
  return release;
}

async function neighbours() {
  const made = await street();
  const { database } = await made.create("sick");
  await made.create("well");
  return { made, path: join(made.directory, "tenants", `${database}.db`) };
}

/** Another file with the same content: what is closed in this process keeps its locks until the garbage is collected. */
function anew(path: string): void {
  copyFileSync(path, `${path}.copy`);
  for (const part of ["-wal", "-shm", ""]) rmSync(path + part, { force: true });
  renameSync(`${path}.copy`, path);
}

/** Many calls at once, and how many have been answered so far. */
function crowd<T>(work: (index: number) => Promise<T>) {
  const answered: T[] = [];
  const all = Array.from({ length: CROWD }, async (_, index) => void answered.push(await work(index)));
  return { answered, settled: () => Promise.all(all).then(() => answered) };
}

const read = ({ pool }: Street, tenantId: string) => pool.use(tenantId, notesOf);
const write = ({ pool }: Street, tenantId: string, body: string) =>
  pool.use(tenantId, (database) => ask(database, "insert into notes values (?)", body));

describe("a file that another process has locked", () => {
  it("for writing holds up its own writers and nobody else, and no write is lost", async () => {
    const { made, path } = await neighbours();
    const release = await lock(path, "begin immediate");
    const writers = crowd((index) => write(made, "sick", `n${index}`));
    await until(() => Promise.resolve(made.pool.stats().leased > 0));

    await write(made, "well", "meanwhile");
    expect(await crowd(() => read(made, "sick")).settled()).toEqual(times(["seeded"]));
    expect(writers.answered).toEqual([]);

    await release();
    await writers.settled();
    expect(await read(made, "sick")).toHaveLength(CROWD + 1);
  });

  it("altogether, when it is opened, holds up its own requests and nobody else", async () => {
    const { made, path } = await neighbours();
    await made.pool.evict("sick");
    anew(path);
    const release = await lock(path, "pragma locking_mode = exclusive; begin exclusive; create table held (a); commit");
    const readers = crowd(() => read(made, "sick"));
    await until(() => Promise.resolve(made.pool.stats().leased > 0));

    await write(made, "well", "meanwhile");
    expect(await crowd(() => read(made, "well")).settled()).toEqual(times(["meanwhile", "seeded"]));
    expect(readers.answered).toEqual([]);

    await release();
    expect(await readers.settled()).toEqual(times(["seeded"]));
  });

  it("for longer than anybody waits is reported, and recovers by itself", async () => {
    const { made, path } = await neighbours();
    const release = await lock(path, "begin immediate");

    const reasons = crowd((index) =>
      write(made, "sick", `n${index}`).catch((error: { reason?: string }) => error.reason),
    );
    expect(await read(made, "well")).toEqual(["seeded"]);
    expect(await reasons.settled()).toEqual(times("database_busy"));

    await release();
    await write(made, "sick", "later");
    expect(await read(made, "sick")).toEqual(["later", "seeded"]);
  });
});
