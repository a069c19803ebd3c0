import type { DataAdapters } from "@authhero/adapter-interfaces";
import { PlatformError } from "../domain/errors.ts";

/** Runs a call on one tenant's open database; the pool's `use`. */
export type UseTenant = <T>(call: (own: DataAdapters) => Promise<T>) => Promise<T>;

/** Their tables are in the control plane's database only. */
const CONTROL_PLANE_ONLY =
  "tenants keys customDomains proxyRoutes tenantOperations tenantOperationEvents rollouts".split(" ");

/**
 * Adapters of one tenant that may be kept: each call takes the tenant's database anew from the pool, which may have
 * closed it in between, and a transaction holds on to it. `model` says which members and methods there are. What only
 * the control plane's database has is `invalid` (`control_plane_only`).
 */
export function leasedAdapters(model: DataAdapters, use: UseTenant): DataAdapters {
  const members = Object.entries(model).map(([name, member]) => [name, memberOf(name, member as Member, use)]);
  // The same names and methods as the model has; entries lose that.
  return Object.fromEntries(members) as DataAdapters;
}

type Method = (...args: unknown[]) => Promise<unknown>;
type Member = Method | Readonly<Record<string, Method>>;
type Members = Readonly<Record<string, Member>>;

function memberOf(name: string, member: Member, use: UseTenant): unknown {
  if (CONTROL_PLANE_ONLY.includes(name)) return everyMethod(member, () => () => refuse(name));
  if (typeof member === "function") {
    return (...args: unknown[]) => use((own) => (pick(own)[name] as Method)(...args));
  }
  return everyMethod(
    member,
    (method) =>
      (...args) =>
        use((own) => (pick(own)[name] as Readonly<Record<string, Method>>)[method]?.(...args) ?? Promise.resolve()),
  );
}

const pick = (own: DataAdapters): Members => own as DataAdapters & Members;

const everyMethod = (member: object, make: (method: string) => Method) =>
  Object.fromEntries(Object.keys(member).map((method) => [method, make(method)]));

function refuse(name: string): Promise<never> {
  const message = `${name} is in the control plane's database only: ask the control plane's adapters`;
  return Promise.reject(new PlatformError("invalid", "control_plane_only", message));
}
