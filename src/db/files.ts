import { randomUUID } from "node:crypto";
import { link, open, rm } from "node:fs/promises";

const OWNER_ONLY = 0o600;

/**
 * Makes the file if it is absent, readable by its owner only, and leaves it alone if it is there. It appears
 * with all its content, however many processes try: linking a finished file is the one step that can neither
 * show half a file nor replace another's.
 */
export async function createFileOnce(path: string, content: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  try {
    const file = await open(draft, "wx", OWNER_ONLY);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(draft, path);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Whether an error of `node:fs` has this code, such as `ENOENT`. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
