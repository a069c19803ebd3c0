import { readdirSync } from "node:fs";
import { join } from "node:path";
import { libsqlServerProvider } from "../../provisioning/providers/libsql-server.ts";
import type { DatabaseProvider } from "../../provisioning/providers/provider.ts";
import { tursoProvider } from "../../provisioning/providers/turso.ts";
import { createDisturbance, type Disturbance, disturbedFetch } from "../support/disturbance.ts";
import { sqldMissing, startSqld } from "../support/sqld.ts";
import { optionsOf, startTurso } from "../support/turso.ts";
import { createTestTime } from "../support/turso-time.ts";
import type { StreetOptions } from "./street.ts";

/** Where databases live, told so that another process finds the same place. */
export type Address =
  | { readonly kind: "file" }
  | { readonly kind: "turso"; readonly url: string }
  | { readonly kind: "libsql-server"; readonly url: string; readonly adminUrl: string };

/** A place for the databases of streets, and what can be seen there from outside. */
export interface Site {
  readonly address: Address;
  /** Every database there, templates too; null where each street has its own, in its directory. */
  readonly names: () => readonly string[] | null;
  /** A provider of its own that calls over a line that can be disturbed; null where nothing is called. */
  readonly disturbed: (() => { readonly provider: DatabaseProvider; readonly disturbance: Disturbance }) | null;
  stop(): Promise<void>;
}

const ADMIN_KEY = "k".repeat(32);

/** The options of a street at an address. */
export function streetAt(address: Address): Pick<StreetOptions, "provider"> {
  switch (address.kind) {
    case "file":
      return {};
    case "turso":
      return { provider: tursoProvider(optionsOf(address.url)) };
    case "libsql-server":
      return { provider: serverAt(address) };
  }
}

const serverAt = (place: { url: string; adminUrl: string }, ask: typeof fetch = fetch): DatabaseProvider =>
  libsqlServerProvider({ url: place.url, adminUrl: place.adminUrl, adminKey: ADMIN_KEY, fetch: ask });

/** What hangs on purpose hangs this long, and a busy machine needs less. */
const TURSO_TIMEOUT_MS = 3_000;

/** Every kind of site there is, to be started by whoever needs one. */
export const SITES: readonly { readonly kind: Address["kind"]; readonly start: (() => Promise<Site>) | null }[] = [
  {
    kind: "file",
    start: () =>
      Promise.resolve({
        address: { kind: "file" },
        names: () => null,
        disturbed: null,
        stop: () => Promise.resolve(),
      }),
  },
  { kind: "turso", start: sqldMissing ? null : startTursoSite },
  { kind: "libsql-server", start: sqldMissing ? null : startServerSite },
];

async function startTursoSite(): Promise<Site> {
  const turso = await startTurso();
  return {
    address: { kind: "turso", url: turso.url },
    names: turso.names,
    disturbed() {
      const { options, disturbance } = turso.line();
      const { time } = createTestTime();
      return { provider: tursoProvider({ ...options, ...time, timeoutMs: TURSO_TIMEOUT_MS }), disturbance };
    },
    stop: turso.stop,
  };
}

async function startServerSite(): Promise<Site> {
  const sqld = await startSqld([], { adminKey: ADMIN_KEY, maxActiveNamespaces: 2_000 });
  const address = { kind: "libsql-server", url: sqld.url, adminUrl: sqld.adminUrl } as const;
  return {
    address,
    disturbed() {
      const disturbance = createDisturbance();
      return { provider: serverAt(address, disturbedFetch(disturbance)), disturbance };
    },
    // The server itself cannot list them; each has a directory.
    names: () => readdirSync(join(sqld.directory, "dbs")),
    stop: sqld.stop,
  };
}
