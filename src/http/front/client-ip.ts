import { BlockList, isIP, isIPv6 } from "node:net";
import type { Exchange, Middleware } from "./exchange.ts";

/** The address of whoever opened the connection; undefined where there is no socket. */
export type PeerAddress = (c: Exchange) => string | undefined;

/**
 * Settles who the client is: the peer, or what trusted proxies say about it. Every header that could claim an
 * address, a host or a scheme is dropped, and AuthHero gets the one result as `x-real-ip`. It would believe anybody.
 * Whoever is trusted may also say which request it is (`x-request-id`), and which trace it belongs to.
 */
export function clientIp(trustedProxies: readonly string[], peerAddress: PeerAddress): Middleware {
  const isTrusted = trustedList(trustedProxies);
  return async (c, next) => {
    const { headers } = c.get("draft");
    const peer = addressIn(peerAddress(c) ?? "");
    const claims = takeOut(headers);
    const client = peer !== null && isTrusted(peer) ? (lastUntrusted(claims.for, isTrusted) ?? peer) : peer;
    if (client !== null) headers.set("x-real-ip", client);
    if (peer !== null && isTrusted(peer)) believe(c, claims.host);
    else for (const name of TRACE) headers.delete(name);
    return await next();
  };
}

/** Takes over what a trusted proxy says of the request. */
function believe(c: Exchange, hosts: string | null): void {
  // Of several proxies the nearest speaks last.
  const host = hosts?.split(",").at(-1)?.trim();
  if (host !== undefined) c.set("hostHeader", host);
  const requestId = c.req.header("x-request-id");
  if (requestId === undefined || !REQUEST_ID.test(requestId)) return;
  c.get("draft").headers.set("x-request-id", requestId);
  c.set("requestId", requestId);
}

/** What goes into the log and comes back in the answer has a limit, and no room for anything clever. */
const REQUEST_ID = /^[\w.:@+/=-]{1,128}$/;

/** W3C Trace Context and Baggage. */
const TRACE = ["traceparent", "tracestate", "baggage"];

/** Removes what the headers claim, and returns the part that counts when a trusted proxy says it. */
function takeOut(headers: Headers): { for: string | null; host: string | null } {
  const claims = { for: headers.get("x-forwarded-for"), host: headers.get("x-forwarded-host") };
  for (const name of [...headers.keys()]) if (CLAIMS.test(name)) headers.delete(name);
  return claims;
}

/** Headers by which proxies and clients name addresses, hosts, schemes and paths, standard or not. */
const CLAIMS =
  /^(?:forwarded|via|x-forwarded(?:-.*)?|x-real-(?:ip|host)|x-original-.*|x-rewrite-url|x-host|.*client-?ip|cf-.*|fastly-.*|x-vercel-.*|x-envoy-.*|x-appengine-.*)$/;

/** A test for "one of the trusted proxies", given as addresses or CIDR ranges. The configuration has checked their form. */
function trustedList(proxies: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const proxy of proxies) {
    const [address = "", prefix] = proxy.split("/");
    if (prefix === undefined) list.addAddress(address, family(address));
    else list.addSubnet(address, Number(prefix), family(address));
  }
  return (address) => proxies.length > 0 && list.check(address, family(address));
}

/** `x-forwarded-for` read from its end, where our own proxies wrote, to the first address that is none of them. */
function lastUntrusted(forwardedFor: string | null, isTrusted: (address: string) => boolean): string | null {
  let nearest: string | null = null;
  for (const entry of (forwardedFor ?? "").split(",").reverse()) {
    const address = addressIn(entry);
    // What is written beyond a broken entry was written by nobody we know.
    if (address === null) return nearest;
    nearest = address;
    if (!isTrusted(address)) return address;
  }
  return nearest;
}

/** The IP address in `1.2.3.4`, `1.2.3.4:5`, `2001:db8::1`, `[2001:db8::1]:5` or `::ffff:1.2.3.4`; else null. */
function addressIn(text: string): string | null {
  const bare = text
    .trim()
    .replace(/^\[(.*)\](?::\d+)?$/, "$1")
    .replace(/^(\d+(?:\.\d+){3}):\d+$/, "$1");
  const address = bare.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
  return isIP(address) === 0 ? null : address;
}

const family = (address: string) => (isIPv6(address) ? "ipv6" : "ipv4");
