import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { Database } from "../db/database.ts";
import { notes, type Subject, write } from "./subject.ts";

/** What a provider owes its callers where it can do more than it must. */
export const capabilityClauses = {
  "rotating makes useless what was given out before, where the place has credentials": async ({ provider, name }) => {
    const before = await provider.ensure(name);
    await write(provider, name, before, "kept");
    if (!provider.rotateCredentials) return;
    const open = await provider.open(name, before);

    await provider.rotateCredentials(name);
    const after = await provider.rotateCredentials(name);

    await expect(open.batch([{ sql: "select 1", parameters: [] }])).rejects.toMatchObject({ code: "unavailable" });
    await open.close();
    await expect(provider.open(name, before)).rejects.toMatchObject({
      code: "unavailable",
      reason: "database_refused",
    });
    expect(await notes(provider, name, after)).toEqual(["kept"]);
    await provider.destroy(name);
    await expect(provider.rotateCredentials(name)).rejects.toMatchObject({ code: "not_found" });
  },

  "what is connected without asking is what would be opened": async ({ provider, name, other }) => {
    if (!provider.connect) return;
    const location = await provider.ensure(name);
    await write(provider, name, location, "kept");
    const question = { sql: "select body from note", parameters: [] };

    const connected = provider.connect(name, location);
    const [answer] = await connected.batch([question]);
    await connected.close();

    expect(answer?.rows).toEqual([{ body: "kept" }]);
    await provider.retain(name);
    for (const gone of [provider.connect(name, location), provider.connect(other, location)]) {
      await expect(gone.batch([question])).rejects.toMatchObject({
        code: "unavailable",
        reason: expect.stringMatching(/^database_(?:missing|blocked|refused)$/),
      });
      await gone.close();
    }
  },

  "a database is made where it is wished, where there are places to choose from": async ({ provider, name, other }) => {
    if (!provider.place) return;
    const at = await provider.place({});
    const nowhere = "no-such-place";

    await write(provider, name, await provider.ensure(name, { at }), "placed");
    const copy = await provider.ensure(other, { from: name, at: JSON.parse(JSON.stringify(at)) });

    expect(await notes(provider, other, copy)).toEqual(["placed"]);
    await expect(provider.place({ group: nowhere })).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringMatching(/^group: /),
    });
    await expect(provider.place({ region: nowhere })).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringMatching(/^region: /),
    });
  },

  "a backup is whole, and takes the place of nothing, where the place makes files": async ({
    provider,
    name,
    other,
  }) => {
    if (!provider.backUp) return;
    const directory = await mkdtemp(join(tmpdir(), "backup-"));
    try {
      const file = join(directory, "backup.db");
      await write(provider, name, await provider.ensure(name), "before");
      const copied: unknown[] = [];
      const read = async (copy: Database) => {
        const [found] = await copy.batch([{ sql: "select body from note", parameters: [] }]);
        copied.push(...(found?.rows ?? []));
      };
      const refuse = () => Promise.reject(new Error("not as it should be"));

      await expect(provider.backUp(name, file, refuse)).rejects.toThrow("not as it should be");
      expect(await readdir(directory)).toEqual([]);
      await provider.backUp(name, file, read);
      expect(copied).toEqual([{ body: "before" }]);
      expect(await readdir(directory)).toEqual(["backup.db"]);

      const taken = { code: "conflict", reason: "file_exists", message: expect.stringContaining(file) };
      await expect(provider.backUp(name, file, read)).rejects.toMatchObject(taken);
      await expect(provider.backUp(other, join(directory, "other.db"), read)).rejects.toMatchObject({
        code: "not_found",
      });
      expect(await readdir(directory)).toEqual(["backup.db"]);
    } finally {
      await rm(directory, { recursive: true });
    }
  },

  "what a database takes up can be asked for, where the place knows": async ({ provider, name, other }) => {
    if (!provider.usage) return;
    await write(provider, name, await provider.ensure(name), "kept");

    const used = await provider.usage(name);

    expect(used.storageBytes).toBeGreaterThanOrEqual(0);
    await provider.retain(name);
    expect((await provider.usage(name)).storageBytes).toBeGreaterThanOrEqual(0);
    await expect(provider.usage(other)).rejects.toMatchObject({ code: "not_found" });
  },
} satisfies Record<string, (subject: Subject) => Promise<void>>;
