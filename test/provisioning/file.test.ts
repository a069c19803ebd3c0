import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { open, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kysely, sql } from "kysely";
import { describe, expect, it } from "vitest";
import { fileProvider } from "../../provisioning/providers/file.ts";
import { testProvider } from "../../src/conformance/index.ts";
import { openFile } from "../../src/db/native.ts";
import { DatabaseName } from "../../src/domain/names.ts";

const newDirectory = () => mkdtempSync(join(tmpdir(), "provider-"));
const shared = newDirectory();

testProvider(() => fileProvider({ directory: shared }));

describe("the file provider", () => {
  const alpha = DatabaseName.parse("t-alpha-1");
  const beta = DatabaseName.parse("t-beta-1");

  function place() {
    const directory = join(newDirectory(), "tenants");
    return { directory, provider: fileProvider({ directory }) };
  }

  it("keeps its files from everybody else on the machine", async () => {
    const { directory, provider } = place();
    const location = await provider.ensure(alpha);
    const database = await provider.open(alpha, location);

    await sql`create table note (body text)`.execute(new Kysely({ dialect: database.dialect }));

    expect(statSync(directory).mode & 0o777).toBe(0o700);
    for (const part of ["", "-wal", "-shm"]) {
      expect(statSync(join(directory, `t-alpha-1.db${part}`)).mode & 0o777).toBe(0o600);
    }
    await database.close();
  });

  it("makes databases in WAL mode and leaves no temporary file under a real name", async () => {
    const { directory, provider } = place();

    await provider.ensure(alpha);
    const file = await open(join(directory, "t-alpha-1.db"));
    const header = await file.read(Buffer.alloc(20), 0, 20, 0);
    await file.close();

    expect([...header.buffer.subarray(18, 20)]).toEqual([2, 2]);
    expect(readdirSync(directory).toSorted()).toEqual(["deleted", "making", "t-alpha-1.db"]);
  });

  it("makes databases of small pages, and copies of them too", async () => {
    const { provider } = place();
    const source = await provider.open(alpha, await provider.ensure(alpha));
    await sql`create table note (body text)`.execute(new Kysely({ dialect: source.dialect }));
    const copy = await provider.open(beta, await provider.ensure(beta, { from: alpha }));

    for (const database of [source, copy]) {
      const [answer] = await database.batch([{ sql: "select page_size from pragma_page_size", parameters: [] }]);
      expect(answer?.rows).toEqual([{ page_size: 1024 }]);
      await database.close();
    }
  });

  it("ignores what a crash left in the making", async () => {
    const { directory, provider } = place();
    await provider.ensure(beta);
    writeFileSync(join(directory, "making", "1-half.db"), "half a file");

    await fileProvider({ directory }).ensure(alpha);

    const found: string[] = [];
    for await (const name of provider.list()) found.push(name);
    expect(found.toSorted()).toEqual([alpha, beta]);
  });

  it.each([
    ["whose header is overwritten", (path: string) => writeFileSync(path, "x".repeat(8192))],
    ["that was cut off", (path: string) => truncate(path, 0)],
  ])("reports a file %s as unavailable and serves the others", async (_what, damage) => {
    const { directory, provider } = place();
    const alphaAt = await provider.ensure(alpha);
    const betaAt = await provider.ensure(beta);

    await damage(join(directory, "t-alpha-1.db"));

    await expect(provider.open(alpha, alphaAt)).rejects.toMatchObject({
      code: "unavailable",
      reason: "database_unreadable",
    });
    await (await provider.open(beta, betaAt)).close();
  });

  it("can retain and destroy a damaged database", async () => {
    const { directory, provider } = place();
    await provider.ensure(alpha);
    writeFileSync(join(directory, "t-alpha-1.db"), "x".repeat(8192));

    await provider.retain(alpha);
    expect(existsSync(join(directory, "deleted", "t-alpha-1.db"))).toBe(true);
    await provider.destroy(alpha);

    expect(readdirSync(join(directory, "deleted"))).toEqual([]);
    expect(readdirSync(directory).filter((name) => name.startsWith("t-"))).toEqual([]);
  });

  it("removes the companions of a database with it", async () => {
    const { directory, provider } = place();
    const database = await provider.open(alpha, await provider.ensure(alpha));
    await sql`create table note (body text)`.execute(new Kysely({ dialect: database.dialect }));

    await provider.destroy(alpha);

    expect(readdirSync(directory).toSorted()).toEqual(["deleted", "making"]);
    await database.close();
  });

  it("copies what another connection has written but not yet moved out of its log", async () => {
    const { directory, provider } = place();
    await provider.ensure(alpha);
    const writer = await openFile(join(directory, "t-alpha-1.db"));
    const db = new Kysely<unknown>({ dialect: writer.dialect });
    await sql`create table note (body text)`.execute(db);
    const copies: number[] = [];

    for (let rows = 1; rows <= 3; rows += 1) {
      await sql`insert into note values ('row')`.execute(db);
      const name = DatabaseName.parse(`copy-${rows}`);
      const copy = await provider.open(name, await provider.ensure(name, { from: alpha }));
      const [result] = await copy.batch([{ sql: "select count(*) as rows from note", parameters: [] }]);
      copies.push(Number(result?.rows[0]?.rows));
      await copy.close();
    }

    expect(copies).toEqual([1, 2, 3]);
    await writer.close();
  });

  it("makes a new snapshot when somebody removed the one it had", async () => {
    const { directory, provider } = place();
    await provider.ensure(alpha);
    for (const name of readdirSync(join(directory, "making"))) rmSync(join(directory, "making", name));

    const database = await provider.open(beta, await provider.ensure(beta));

    await database.close();
  });

  it("keeps the number of open files bounded, however many databases are opened in turn", async () => {
    const { provider } = place();
    const location = await provider.ensure(alpha);
    let descriptors = 0;

    for (let turn = 0; turn < 1_000; turn += 1) {
      await (await provider.open(alpha, location)).close();
      descriptors = Math.max(descriptors, existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0);
    }

    expect(descriptors).toBeLessThan(1_200);
  });

  it("refuses options it does not know", () => {
    // @ts-expect-error: the compiler refuses them too.
    expect(() => fileProvider({ directory: "x", colour: "red" })).toThrow(/colour/);
  });
});
