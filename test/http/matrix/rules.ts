import type { ManagementRoute } from "./routes.ts";

/** What the guard says to a request: 401, 403, or it hands it on. */
export type Verdict = 401 | 403 | "passed";

/** Routes that ask for no token, by name: there is no other. */
export const OPEN: readonly string[] = ["GET /spec", "HEAD /spec"];

/** What kind of token it is, as the rules see it. */
export type Holder =
  /** Nobody's, or one that is not to be believed. */
  | "nobody"
  /** Signed by the tenant's own key. */
  | "tenant"
  /** A control-plane token of the organization of a tenant, whose holder belongs to it. */
  | "team"
  /** The same, of a holder who does not, or of an earlier life. */
  | "former team"
  /** A control-plane token of no organization, without and with `admin:organizations`. */
  | "clerk"
  | "operator";

/** One way of asking: who, and for whom. */
export interface Asker {
  readonly holder: Holder;
  /** Whom the request is for: by host, header or, on routes about tenants, `{id}` in the path. */
  readonly tenant: "own" | "foreign" | "control plane";
}

/**
 * The rules of the guard in one place, written down a second time on purpose: the routes about tenants and operations
 * are the control plane's, all others the tenant's that host and header name.
 */
export function verdictOf(route: ManagementRoute, { holder, tenant }: Asker): Verdict {
  if (OPEN.includes(`${route.method} ${route.path}`)) return "passed";
  if (holder === "nobody") return 401;
  const [, first, id, ...below] = route.path.split("/");
  const isReading = route.method === "GET" || route.method === "HEAD";

  if (first === "operations" || first === "hosts") return holder === "operator" ? "passed" : 403;
  if (first === "tenants" && id !== "settings") {
    if (holder === "operator") return "passed";
    if (holder === "clerk") return id === undefined ? "passed" : 403;
    if (holder !== "team") return 403;
    // The list is everybody's own; a tenant's team reads, changes and deletes its tenant.
    if (id === undefined) return isReading ? "passed" : 403;
    if (tenant !== "own") return 403;
    return isReading || (below.length === 0 && ["PATCH", "DELETE"].includes(route.method)) ? "passed" : 403;
  }
  // A team is its own; to operators it is an organization of the control plane like any other.
  if (first === "tenant-members") return holder === "team" && tenant === "own" ? "passed" : 403;
  switch (holder) {
    case "operator":
      return "passed";
    case "clerk":
      return tenant === "control plane" ? "passed" : 403;
    case "tenant":
    case "team":
      return tenant === "own" ? "passed" : 403;
    case "former team":
      return 403;
  }
}
