import { link, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PlatformError } from "../../src/domain/errors.ts";

/** Owner only: what the files hold is nobody else's business. */
const DIRECTORY_MODE = 0o700;

/**
 * In WAL mode SQLite keeps two companions beside a database. The database itself comes last, so that a crash in
 * between never leaves a log beside a database it does not belong to.
 */
const PARTS_DATABASE_LAST = ["-wal", "-shm", ""];
const PARTS_DATABASE_FIRST = ["", "-wal", "-shm"];

export async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
}

/**
 * Gives a finished file its real name, durably. Whoever comes second keeps the first one's file.
 * The file must be new to SQLite: two names for one open database would be two logs for it.
 */
export async function publish(temporary: string, path: string): Promise<void> {
  try {
    await sync(temporary);
    await link(temporary, path).catch(unless("EEXIST"));
    await sync(dirname(path));
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Moves a database out of use: the database first, so that nobody opens it without its log. */
export async function withdraw(path: string, target: string): Promise<void> {
  await move(path, target, PARTS_DATABASE_FIRST);
}

/** Moves a database back into use: it appears when its log is already there. */
export async function reinstate(path: string, target: string): Promise<void> {
  await move(path, target, PARTS_DATABASE_LAST);
}

async function move(path: string, target: string, parts: readonly string[]): Promise<void> {
  for (const part of parts) await rename(`${path}${part}`, `${target}${part}`).catch(unless("ENOENT"));
  await sync(dirname(target));
  await sync(dirname(path));
}

/** Removes a database and its companions, durably. */
export async function removeDatabase(path: string): Promise<void> {
  for (const part of PARTS_DATABASE_LAST) await rm(`${path}${part}`, { force: true });
  await sync(dirname(path));
}

/** The size in bytes, or null when there is no such file. Never opens it: see `sync`. */
export async function sizeOf(path: string): Promise<number | null> {
  const found = await stat(path).catch(unless("ENOENT"));
  return found ? found.size : null;
}

/** Removes what crashed processes left behind: everything nobody has written to for `ageMs`. */
export async function sweep(directory: string, ageMs: number, now: Date): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const found = await stat(path).catch(unless("ENOENT"));
    if (found && now.getTime() - found.mtimeMs > ageMs) await rm(path, { force: true, recursive: true });
  }
}

/** For use as `.catch(unless("ENOENT"))`: an expected failure becomes `undefined`. */
export function unless(expected: string) {
  return (error: unknown): undefined => {
    if (isFileError(error) && error.code === expected) return;
    throw error;
  };
}

/** Runs file work; what the file system refuses becomes `unavailable` (`storage_failed`). */
export async function onFiles<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isFileError(error)) throw error;
    const message = `The file system answered ${error.code} to ${error.syscall ?? "a call"}`;
    throw new PlatformError("unavailable", "storage_failed", message, { cause: error });
  }
}

/**
 * Waits until a file or directory is on the disk. Only for files SQLite has not opened in this process: closing
 * any descriptor of a file drops all locks the process holds on it (https://sqlite.org/howtocorrupt.html, 2.2).
 */
async function sync(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && "errno" in error;
}
