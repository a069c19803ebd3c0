import * as z from "zod";

/** Where a tenant stands. The placement's `state` is the only truth. */
export type TenantState =
  | "pending"
  | "provisioning"
  | "ready"
  | "suspended"
  | "read_only"
  | "failed"
  | "deleting"
  | "deleted";

/** Whose database is served. Which of these may do what is decided in the front. */
export const SERVED: readonly TenantState[] = ["ready", "suspended", "read_only"];

/** From → to. What is not listed is refused; a purged tenant has no row any more. */
export const TRANSITIONS: Readonly<Record<TenantState, readonly TenantState[]>> = {
  pending: ["provisioning", "failed", "deleting"],
  // An undeleted tenant goes back to where it was.
  provisioning: ["ready", "suspended", "read_only", "failed", "deleting"],
  ready: ["suspended", "read_only", "deleting"],
  suspended: ["ready", "deleting"],
  read_only: ["ready", "deleting"],
  failed: ["provisioning", "deleting"],
  // A purge may overtake a deletion.
  deleting: ["deleted", "deleting"],
  deleted: ["provisioning", "deleting"],
};

/** Labels that mean something else on our hosts, or below `/tenants`. */
export const RESERVED_TENANT_IDS: readonly string[] = [
  ..."www api admin auth login logout static assets console settings cp control-plane mail smtp ftp ns".split(" "),
  ..."healthz readyz metrics docs operations tenants tenant-members localhost".split(" "),
];

/** An id that is also a DNS label: 3–63 of `a-z0-9-`, starts with a letter, no `--`, not ending in `-`. */
export const TenantId = z
  .string()
  .min(3)
  .max(63)
  .regex(
    /^[a-z](?:[a-z0-9]|-(?=[a-z0-9]))*$/,
    "a-z, 0-9 and single dashes, starting with a letter, not ending in a dash",
  )
  .refine((id) => !RESERVED_TENANT_IDS.includes(id), "is reserved");
