import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

const compress = promisify(gzip);

/** Something to be served, compressed at most once. */
export interface Asset {
  readonly type: string;
  readonly content: Uint8Array<ArrayBuffer>;
  compressed(): Promise<Uint8Array<ArrayBuffer>>;
}

export function asset(type: string, text: string | Uint8Array): Asset {
  const content = new Uint8Array(Buffer.from(text));
  let zipped: Promise<Uint8Array<ArrayBuffer>> | undefined;
  return {
    type,
    content,
    compressed: () => {
      zipped ??= compress(content).then((bytes) => new Uint8Array(bytes));
      return zipped;
    },
  };
}

/** The page that shows the OpenAPI document, and what it loads: Swagger UI, unchanged, from our own host. */
export interface Viewer {
  readonly page: Asset;
  /** By the path below `/docs`. A changed file has a new path. */
  readonly files: ReadonlyMap<string, Asset>;
}

/** Reads Swagger UI, 2 MB: to be kept. */
export function openViewer(): Viewer {
  const directory = viewerDirectory();
  const read = (name: string) => readFileSync(join(directory, name));
  const script = named(
    "swagger-ui-bundle",
    "js",
    asset("text/javascript; charset=utf-8", read("swagger-ui-bundle.js")),
  );
  const style = named("swagger-ui", "css", asset("text/css; charset=utf-8", read("swagger-ui.css")));
  const start = named("start", "js", asset("text/javascript; charset=utf-8", START));
  const page = asset("text/html; charset=utf-8", pageOf({ script: script.path, style: style.path, start: start.path }));
  return { page, files: new Map([script, style, start].map(({ path, file }) => [path, file])) };
}

/** Below `/docs`, with a digest of what is in it: it may be cached for ever. */
function named(name: string, extension: string, file: Asset) {
  const digest = createHash("sha256").update(file.content).digest("hex").slice(0, 12);
  return { path: `/${name}.${digest}.${extension}`, file };
}

/** In the package beside this module, where the build has put it; in a checkout among the development dependencies. */
function viewerDirectory(): string {
  const shipped = fileURLToPath(new URL("./swagger-ui", import.meta.url));
  if (existsSync(shipped)) return shipped;
  return dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
}

// Without a validator, which would be somebody else's host; without a list of schemas, because there are hardly any.
// A token has to be asked for with its audience, of which OpenAPI knows nothing; who ticks no scope gets all that the client has.
const START = `SwaggerUIBundle({
  url: "/api/v2/spec",
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  validatorUrl: null,
  defaultModelsExpandDepth: -1,
  defaultModelExpandDepth: 3,
  requestInterceptor: (request) => {
    if (!request.url.endsWith("/oauth/token")) return request;
    const form = new URLSearchParams(request.body);
    if (form.get("scope") === "") form.delete("scope");
    form.set("audience", "urn:authhero:management");
    request.body = form.toString();
    return request;
  },
});
`;

const pageOf = ({ script, style, start }: Readonly<Record<"script" | "style" | "start", string>>) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Rowhouse Management API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs${style}">
<main id="reference"></main>
<script src="/docs${script}"></script>
<script src="/docs${start}"></script>
</html>
`;
