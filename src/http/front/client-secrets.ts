import { type Middleware, replaceResponse } from "./exchange.ts";
import { isClients } from "./routes.ts";

const SCOPE = "read:client_keys";

/**
 * An application's secret is for tokens with `read:client_keys`, as in Auth0; AuthHero shows it to `read:clients`. The
 * answer to the request that makes an application has it all the same: nobody else could.
 */
export function clientSecrets(): Middleware {
  return async (c, next) => {
    await next();
    const { method, path } = c.get("draft");
    if (method === "POST" || !isClients(path) || c.get("actor")?.scopes.has(SCOPE)) return;
    const { status, headers } = c.res;
    if (!c.res.ok || !headers.get("content-type")?.includes("json")) return;
    const shown = JSON.stringify(await c.res.json(), (name, value: unknown) =>
      name === "client_secret" ? undefined : value,
    );
    const kept = new Headers(headers);
    kept.delete("content-length");
    replaceResponse(c, new Response(shown, { status, headers: kept }));
  };
}
