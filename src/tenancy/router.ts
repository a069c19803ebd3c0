import type { DataAdapters } from "@authhero/adapter-interfaces";
import { PlatformError } from "../domain/errors.ts";
import type { Tag } from "../domain/names.ts";
import type { TenantState } from "../domain/tenants.ts";
import { currentContext, rememberFailure } from "./context.ts";

/** Where ids that name no tenant are looked up, and what the router asks about a tenant. */
export interface Directory {
  /** The state of a tenant, or null when there is none of that id. */
  stateOf(tenantId: string): Promise<TenantState | null>;
  tenantOfTag(tag: Tag): Promise<string | null>;
  addClient(tenantId: string, clientId: string): Promise<void>;
  removeClient(tenantId: string, clientId: string): Promise<void>;
  tenantsOfClient(clientId: string): Promise<readonly string[]>;
  /** Remembers whose a `state` is until it expires (ISO 8601). */
  addState(tenantId: string, state: string, expiresAt: string): Promise<void>;
  tenantOfState(state: string): Promise<string | null>;
}

/** What the rules of the routing table work with. */
export interface Router {
  readonly controlPlaneTenantId: string;
  /** The adapters whose methods are enumerated: every tenant has the same. */
  readonly model: DataAdapters;
  readonly directory: Directory;
  /** `auth`: a tenant sees only its own signing keys. `management`: the control plane's too. */
  readonly surface: "auth" | "management";
  /** Told of every write to an outbox: the relay looks there for what was not delivered. */
  readonly outboxWritten: (tenantId: string) => void;
  /** Runs a call on a tenant's database. No tenant, an unknown one, or an unreachable database refuses. */
  on<T>(tenantId: string | undefined, call: (adapters: DataAdapters) => Promise<T>): Promise<T>;
  /** Runs a call on the control plane's database. */
  onControlPlane<T>(call: (adapters: DataAdapters) => Promise<T>): Promise<T>;
}

/** The tenant this request is for, or the one a background job is bound to. */
export const boundTenant = (): string | undefined => currentContext()?.tenantId;

/** The bound tenant, or `invalid` (`tenant_missing`): a call that names no tenant never gets one by default. */
export function requireBoundTenant(what: string): string {
  const tenantId = boundTenant();
  if (!tenantId) throw new PlatformError("invalid", "tenant_missing", `${what} needs a tenant, and none is bound`);
  return tenantId;
}

/** Runs a call and remembers why it failed, because AuthHero turns most failures into a bare 500. */
export async function remembering<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const told = toldToCaller(error);
    if (told instanceof PlatformError) rememberFailure(told);
    throw told;
  }
}

/** A caller who has left out what a row cannot do without is told which field it is, and not in SQLite's words. */
function toldToCaller(error: unknown): unknown {
  if (!(error instanceof PlatformError) || error.reason !== "constraint_violation") return error;
  const field = LACKING.exec(error.message)?.[1];
  if (field === undefined) return error;
  return new PlatformError("invalid", "invalid_body", `${field}: is missing`, { cause: error });
}

const LACKING = /^NOT NULL constraint failed: \w+\.(\w+)$/;
