import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";

/** As Node has it: in this process it may have been replaced for a file before this one. */
const KEPT = Symbol.for("rowhouse.tests.lookup");
const original: typeof dns.lookup = Reflect.get(globalThis, KEPT) ?? dns.lookup;
Reflect.set(globalThis, KEPT, original);

/**
 * Sends every `*.localhost` name to the loopback address, as browsers do (RFC 6761, section 6.3) and Node does not:
 * tests call tenants at `http://acme.localhost:PORT/`, with a true `Host` header. So does `*.test`, which is for this
 * (section 6.2), with domains that are tenants' own. Vitest loads this before each file.
 */
function lookup(host: string, ...rest: readonly unknown[]): void {
  const callback = rest.at(-1);
  if (!isOurs(host) || typeof callback !== "function") {
    Reflect.apply(original, dns, [host, ...rest]);
    return;
  }
  const found = { address: "127.0.0.1", family: 4 };
  const answer = wantsAll(rest[0]) ? [null, [found]] : [null, found.address, found.family];
  process.nextTick(callback, ...answer);
}

function isOurs(host: unknown): boolean {
  return typeof host === "string" && /(^|\.)(localhost|test)$/i.test(host);
}

function wantsAll(options: unknown): boolean {
  return typeof options === "object" && options !== null && "all" in options && options.all === true;
}

// Object.assign, because no type of one function covers all overloads of dns.lookup.
Object.assign(dns, { lookup });
syncBuiltinESMExports();
