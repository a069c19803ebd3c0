import { type Middleware, replaceResponse } from "./exchange.ts";

const PREFIX = "__Host-";

/**
 * Keeps every cookie on its own host. AuthHero names the last two labels of the host as `Domain`, which would share
 * sessions with every neighbour. On https cookies are called `__Host-…` outside (RFC 6265bis, section 4.1.3.2): no
 * neighbour can plant one, and what lacks the prefix is not read. On plain http browsers know no such guarantee.
 */
export function cookies(): Middleware {
  return async (c, next) => {
    const { headers } = c.get("draft");
    const secure = c.get("host").origin.protocol === "https:";
    if (secure) takeIn(headers);
    await next();

    const set = c.res.headers.getSetCookie().flatMap(separate);
    if (set.length === 0) return;
    const response = new Response(c.res.body, c.res);
    response.headers.delete("set-cookie");
    for (const cookie of set) response.headers.append("set-cookie", secure ? overHttps(cookie) : overHttp(cookie));
    replaceResponse(c, response);
  };
}

/** Leaves only prefixed cookies, under the names AuthHero knows them by. */
function takeIn(headers: Headers): void {
  const ours = (headers.get("cookie") ?? "")
    .split(/;\s*/)
    .filter((pair) => pair.startsWith(PREFIX))
    .map((pair) => pair.slice(PREFIX.length));
  if (ours.length === 0) headers.delete("cookie");
  else headers.set("cookie", ours.join("; "));
}

/** Silent authentication joins two cookies in one header. A comma in a date is not followed by a name and `=`. */
const separate = (header: string): string[] => header.split(/,\s*(?=[\w!#$%&'*+.^`|~-]+=)/);

function overHttps(cookie: string): string {
  const [pair = "", ...attributes] = cookie.split(/;\s*/);
  const kept = attributes.filter((attribute) => !/^(?:domain|path|secure)(?:=|$)/i.test(attribute));
  const name = pair.startsWith(PREFIX) ? pair : `${PREFIX}${pair}`;
  return [name, ...kept, "Path=/", "Secure"].join("; ");
}

function overHttp(cookie: string): string {
  const [pair = "", ...attributes] = cookie.split(/;\s*/);
  const kept = attributes.filter((attribute) => !/^(?:domain|secure|partitioned|samesite)(?:=|$)/i.test(attribute));
  return [pair, ...kept, "SameSite=Lax"].join("; ");
}
