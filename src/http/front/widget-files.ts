import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import type { Middleware } from "./exchange.ts";
import { isWidgetFile } from "./routes.ts";

/** Serves the scripts of AuthHero's login widget from its package: AuthHero leaves `/u/widget/*` to its host. */
export function widgetFiles(): Middleware {
  const files = readFiles();
  return async (c, next) => {
    const { method, path } = c.get("draft");
    const file = isWidgetFile(path) && method === "GET" ? files.get(basename(path)) : undefined;
    if (file === undefined) return await next();
    const headers = {
      "content-type": "text/javascript; charset=utf-8",
      // Some names stay the same in the next release.
      "cache-control": "public, max-age=3600",
      "x-content-type-options": "nosniff",
    };
    return new Response(file, { headers });
  };
}

/** All of them, half a megabyte, read once: a request never chooses a path. */
function readFiles(): ReadonlyMap<string, Uint8Array<ArrayBuffer>> {
  const entry = createRequire(import.meta.url).resolve("authhero");
  const directory = join(dirname(entry), "assets/u/widget");
  const names = readdirSync(directory).filter((name) => name.endsWith(".js"));
  return new Map(names.map((name) => [name, new Uint8Array(readFileSync(join(directory, name)))]));
}
