import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { DOCUMENTS } from "../scripts/documents.ts";

it.each(Object.entries(DOCUMENTS))("%s is as the code makes it; if not, run `npm run documents`", (path, made) => {
  const current = readFileSync(path, "utf8");

  expect(current).toBe(made(current));
});
