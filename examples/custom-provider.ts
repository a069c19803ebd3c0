// A provider of one's own, which keeps each database in a file of a directory: `npx tsx examples/custom-provider.ts`
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createClient } from "@libsql/client";
import { DatabaseName, defineProvider, openClient, PlatformError, toDatabaseFactory } from "rowhouse";
import { parseKeyRing } from "rowhouse/adapter";
import * as z from "zod";

export const directoryProvider = defineProvider(
  "directory",
  z.strictObject({ directory: z.string().min(1) }),
  ({ directory }) => {
    // A directory each, because SQLite keeps a log beside the file, and the two belong together.
    const home = (name: DatabaseName, kind = "db") => join(directory, `${name}.${kind}`);
    const exists = (path: string) => stat(path).then(Boolean, () => false);
    const move = async (from: string, to: string) => void ((await exists(from)) && (await rename(from, to)));
    const urlOf = async (name: DatabaseName) => {
      if (await exists(home(name))) return `file:${join(home(name), "data.db")}`;
      throw new PlatformError("not_found", "database_missing", `There is no database ${name}`);
    };
    // Made aside and published whole: of two callers one wins, and a crash leaves nothing half made.
    const make = async (name: DatabaseName, from: DatabaseName | undefined) => {
      const draft = home(name, `${crypto.randomUUID()}.draft`);
      const source = createClient({ url: from ? await urlOf(from) : ":memory:" });
      await mkdir(draft, { recursive: true });
      await source.execute({ sql: "vacuum into ?", args: [join(draft, "data.db")] }).finally(() => source.close());
      await rename(draft, home(name)).catch(() => rm(draft, { recursive: true }));
      await urlOf(name);
    };
    return {
      supports: { list: true, retainBlocks: false },
      async ensure(name, { from } = {}) {
        if (!(await exists(home(name))) && !(await exists(home(name, "kept")))) await make(name, from);
        return { locator: home(name) };
      },
      open: async (name) => openClient({ url: await urlOf(name) }),
      retain: (name) => move(home(name), home(name, "kept")),
      release: (name) => move(home(name, "kept"), home(name)),
      async destroy(name) {
        for (const kind of ["db", "kept"]) await rm(home(name, kind), { recursive: true, force: true });
      },
      async *list() {
        for (const entry of await readdir(directory)) {
          if (/\.(?:db|kept)$/.test(entry)) yield DatabaseName.parse(entry.replace(/\.\w+$/, ""));
        }
      },
    };
  },
);

// Run as a program, it makes a database for a tenant, writes into it and reads that back.
if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const directory = process.env.DATA_DIR ?? "data";
  await mkdir(directory, { recursive: true });
  const databases = toDatabaseFactory(directoryProvider({ directory: join(directory, "tenants") }), {
    database: { url: `file:${join(directory, "control-plane.db")}` },
    keyRing: parseKeyRing(process.env.ENCRYPTION_KEY ?? "00".repeat(32)),
  });
  await databases.provision("acme");
  const acme = await databases.getAdapters("acme");
  if ((await acme.roles.list("acme")).roles.length === 0) await acme.roles.create("acme", { name: "baker" });
  console.log((await acme.roles.list("acme")).roles.map(({ name }) => name));
  await databases.close();
}
