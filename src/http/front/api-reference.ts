import { documents, type ReferenceOptions } from "../reference/document.ts";
import { type Asset, asset, openViewer, type Viewer } from "../reference/viewer.ts";
import type { Exchange, Middleware } from "./exchange.ts";
import { isPublicManagement } from "./routes.ts";

/** A document is a megabyte; what is forgotten is written again, in a few milliseconds. */
const ORIGINS_MAX = 8;

/**
 * `/docs`: the API reference, a page on every host; and the OpenAPI document that it shows, with that host as its server.
 * AuthHero would put the document together anew for everybody who asks, and nobody needs a token to ask.
 */
export function apiReference(options: ReferenceOptions): Middleware {
  let viewer: Viewer | undefined;
  const textFor = texts(options);
  return async (c, next) => {
    const { method, path } = c.get("draft");
    if (isPublicManagement(method, path)) return await answer(c, textFor(c.get("target").origin), DOCUMENT);
    if (method !== "GET" || !(path === "/docs" || path.startsWith("/docs/"))) return await next();
    viewer ??= openViewer();
    if (path === "/docs" || path === "/docs/") return await answer(c, viewer.page, PAGE);
    const file = viewer.files.get(path.slice("/docs".length));
    return file === undefined ? await next() : await answer(c, file, FILE);
  };
}

/** The document for each origin, as text. */
function texts(options: ReferenceOptions): (origin: URL) => Asset {
  const documentOf = documents(options);
  const known = new Map<string, Asset>();
  return (origin) => {
    const found = known.get(origin.href);
    if (found !== undefined) return found;
    const made = asset("application/json; charset=utf-8", JSON.stringify(documentOf(origin)));
    const [oldest] = known.keys();
    if (known.size >= ORIGINS_MAX && oldest !== undefined) known.delete(oldest);
    known.set(origin.href, made);
    return made;
  };
}

async function answer(c: Exchange, { type, content, compressed }: Asset, headers: Readonly<Record<string, string>>) {
  const isCompressed = /\bgzip\b/.test(c.req.header("accept-encoding") ?? "");
  return new Response(isCompressed ? await compressed() : content, {
    headers: {
      ...headers,
      ...(isCompressed && { "content-encoding": "gzip" }),
      "content-type": type,
      "x-content-type-options": "nosniff",
      vary: "Accept-Encoding",
    },
  });
}

/** Programs on other hosts may read it, too: there is nothing in it but what everybody may know. */
const DOCUMENT = { "cache-control": "no-cache", "access-control-allow-origin": "*" };

const FILE = { "cache-control": "public, max-age=31536000, immutable" };

const PAGE = {
  "cache-control": "no-cache",
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    // Swagger UI's icons are data: URLs; React sets what style it adds by script, which asks for no permission.
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
};
