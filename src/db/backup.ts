import { randomUUID } from "node:crypto";
import { link, open, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Kysely, sql } from "kysely";
import { PlatformError } from "../domain/errors.ts";
import type { Database } from "./database.ts";
import { hasCode } from "./files.ts";
import { openFile } from "./native.ts";

const OWNER_ONLY = 0o600;

/** Looks at a finished copy before it gets its name; what it throws leaves none behind. */
export type VerifyCopy = (copy: Database) => Promise<void>;

/**
 * Copies the database at `path`, as it is at one moment, into a new file for its owner only, which appears whole or not at
 * all. Whoever uses the database is not disturbed, whatever process it is in; in this one nothing else runs meanwhile.
 *
 * Throws `conflict` (`file_exists`), `invalid` (`file_unwritable`), `unavailable` (`backup_damaged`), what opening the
 * database throws, and what `verify` does.
 */
export async function backUpFile(path: string, file: string, verify: VerifyCopy): Promise<void> {
  await requireFree(file);
  const draft = `${file}.${randomUUID()}.part`;
  try {
    await writing(file, () => createEmpty(draft));
    await using(await openFile(path), (db) => sql`vacuum into ${draft}`.execute(db));
    const copy = await openFile(draft);
    await using(copy, async (db) => {
      await requireSound(db);
      await verify(copy);
    });
    await writing(file, () => publish(draft, file));
  } finally {
    for (const part of ["-wal", "-shm", ""]) await rm(`${draft}${part}`, { force: true });
  }
}

/** Asked first, because the copy takes its time; the name is given to nobody else's file in any case. */
async function requireFree(file: string): Promise<void> {
  const found = await stat(file).catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return null;
    throw unwritable(file, error);
  });
  if (found) throw fileExists(file);
}

/** SQLite copies into a file that is empty, too; one that it makes itself everybody could read. */
async function createEmpty(draft: string): Promise<void> {
  await (await open(draft, "wx", OWNER_ONLY)).close();
}

/** A rename would replace what somebody else has put there meanwhile. */
async function publish(draft: string, file: string): Promise<void> {
  await sync(draft);
  await link(draft, file);
  await sync(dirname(file));
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function requireSound(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check(1)`.execute(db);
  if (rows[0]?.integrity_check === "ok") return;
  throw new PlatformError("unavailable", "backup_damaged", `The copy is damaged: ${rows[0]?.integrity_check}`);
}

async function using(database: Database, work: (db: Kysely<unknown>) => Promise<unknown>): Promise<void> {
  try {
    await work(new Kysely<unknown>({ dialect: database.dialect }));
  } finally {
    await database.close();
  }
}

async function writing(file: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw hasCode(error, "EEXIST") ? fileExists(file) : unwritable(file, error);
  }
}

const fileExists = (file: string) =>
  new PlatformError(
    "conflict",
    "file_exists",
    `${file} exists already, and is left as it is. Name a file that does not.`,
  );

function unwritable(file: string, cause: unknown): PlatformError {
  const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  const message = `${file} cannot be written${code}: its directory must exist, be writable, and know hard links`;
  return new PlatformError("invalid", "file_unwritable", message, { cause });
}
