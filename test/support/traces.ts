import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A secret as it may turn up somewhere: as it is, and as texts and addresses write it. */
export function writingsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  // Base64 depends on where in a text the secret begins: what is the same at all three places.
  const base64s = [0, 1, 2].map((offset) =>
    Buffer.concat([Buffer.alloc(offset), bytes])
      .toString("base64")
      .slice(Math.ceil((offset * 8) / 6), -4),
  );
  const writings = [
    secret,
    ...base64s,
    ...base64s.map((each) => each.replaceAll("+", "-").replaceAll("/", "_")),
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
  ];
  return [...new Set(writings)];
}

/** In which of the texts a secret turns up, however it is written there. */
export const tracesIn = (texts: Readonly<Record<string, string>>, secret: string): string[] =>
  Object.entries(texts)
    .filter(([, text]) => writingsOf(secret).some((writing) => text.includes(writing)))
    .map(([name]) => name);

/** Every file under a directory, byte by byte as Latin-1, so that nothing in it is lost or invalid. */
export function filesUnder(directory: string): Record<string, string> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path, readFileSync(path, "latin1")];
    }),
  );
}
