import { createRequire } from "node:module";

/** The version of this package, from a checkout and from `dist` alike. */
export function packageVersion(): string {
  const { version } = createRequire(import.meta.url)("rowhouse/package.json") as { version: string };
  return version;
}
