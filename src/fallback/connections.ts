import { isDeepStrictEqual } from "node:util";
import type { Connection, ConnectionsAdapter, DataAdapters } from "@authhero/adapter-interfaces";
import { PlatformError } from "../domain/errors.ts";
import { LENT_BY_STRATEGY, type Lender, type LenderOf } from "./lender.ts";

/** Options that change nothing about where a secret goes: a child may set its own and still inherit the rest. */
const HARMLESS: ReadonlySet<string> = new Set(["domain_aliases", "icon_url", "scope"]);
const NONE: ReadonlySet<string> = new Set();

type Members = Pick<DataAdapters, "clientConnections" | "connections">;

/** Connections with what they inherit; what a write carries back of it is taken out. */
export function inheritedConnections({ connections: own, clientConnections }: Members, lenderOf: LenderOf): Members {
  const inherited = async (tenantId: string, rows: readonly Connection[]): Promise<Connection[]> => {
    const lender = await lenderOf(tenantId);
    if (!lender) return [...rows];
    return await Promise.all(
      rows.map(async (row) => {
        const loan = await loanTo(row, lender);
        return loan ? borrowed(row, loan) : row;
      }),
    );
  };

  const connections: ConnectionsAdapter = {
    ...own,
    async get(tenantId, id) {
      const row = await own.get(tenantId, id);
      return row && ((await inherited(tenantId, [row]))[0] ?? row);
    },
    async list(tenantId, params) {
      const page = await own.list(tenantId, params);
      return { ...page, connections: await inherited(tenantId, page.connections) };
    },
    async update(tenantId, id, patch) {
      if (!patch.options) return await own.update(tenantId, id, patch);
      const [row, lender] = await Promise.all([own.get(tenantId, id), lenderOf(tenantId)]);
      const loan = row && lender && (await loanTo(row, lender));
      const options = loan ? withoutBorrowed(patch.options, row, loan) : patch.options;
      return await own.update(tenantId, id, { ...patch, options });
    },
  };
  return {
    connections,
    clientConnections: {
      ...clientConnections,
      listByClient: async (tenantId, clientId) =>
        inherited(tenantId, await clientConnections.listByClient(tenantId, clientId)),
    },
  };
}

/** A connection of the control plane, and what a tenant may have of its own besides. */
interface Loan {
  readonly lent: Connection;
  readonly harmless: ReadonlySet<string>;
}

/** What a tenant's connection inherits; null when it stands for itself. */
async function loanTo(own: Connection, lender: Lender): Promise<Loan | null> {
  const origin = await lender.originOf(own);
  // A copy is the control plane's as a whole, its looks too.
  if (origin !== undefined) return origin && { lent: origin, harmless: NONE };
  if (!LENT_BY_STRATEGY.has(own.strategy) || ownKeys(own).length > 0) return null;
  const lent = await lentByStrategy(lender, own.strategy);
  return lent && { lent, harmless: HARMLESS };
}

/** The one connection of a strategy that the control plane lends; null where it has none, or two. */
export async function lentByStrategy(lender: Lender, strategy: string): Promise<Connection | null> {
  const [only, second] = await lender.connectionsOf(strategy);
  return only && !second ? only : null;
}

/** Whatever makes a connection its owner's: from then on it inherits nothing, so no secret goes where they choose. */
const ownKeys = ({ options }: Pick<Connection, "options">): string[] =>
  Object.keys(present(options)).filter((key) => !HARMLESS.has(key));

/** A child's connection with what it inherits: all of the lent options as one, its own harmless keys over them. */
function borrowed(own: Connection, { lent, harmless }: Loan): Connection {
  const { response_type, response_mode } = lent;
  const display_name = own.display_name || lent.display_name;
  const show_as_button = own.show_as_button ?? lent.show_as_button;
  const kept = Object.entries(present(own.options)).filter(([key]) => harmless.has(key));
  return {
    ...own,
    ...present({ display_name, show_as_button, response_type, response_mode }),
    options: { ...lent.options, ...Object.fromEntries(kept) },
  };
}

/**
 * The options of an update with what they carry of a lent connection taken out: whoever writes back what it has read
 * must not put the control plane's secret into a child's database. Throws `conflict` (`inherited_connection`) for
 * anything else that would be the child's own, because it cannot be told from a secret that has just changed.
 */
function withoutBorrowed(
  options: Connection["options"],
  own: Connection,
  { lent, harmless }: Loan,
): Connection["options"] {
  const kept = Object.entries(present(options)).filter(([key, value]) => {
    if (isDeepStrictEqual(value, own.options[key as keyof typeof own.options])) return true;
    if (isDeepStrictEqual(value, lent.options[key as keyof typeof lent.options])) return false;
    if (harmless.has(key)) return true;
    throw new PlatformError(
      "conflict",
      "inherited_connection",
      `options.${key}: this connection inherits from the control plane; make it its own through adapters without the fallback`,
    );
  });
  return Object.fromEntries(kept);
}

/** What there is: an empty text, list or object says as little as nothing at all. */
function present<T extends object>(values: T | undefined): Partial<T> {
  return Object.fromEntries(Object.entries(values ?? {}).filter(([, value]) => !isBlank(value))) as Partial<T>;
}

function isBlank(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value === "string") return value.trim() === "";
  return typeof value === "object" && Object.keys(value).length === 0;
}
