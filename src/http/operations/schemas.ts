import { z } from "@hono/zod-openapi";

const OperationEvent = z.object({
  step: z.string(),
  outcome: z.enum(["done", "failed"]),
  error: z.string().nullable(),
  at: z.string(),
});

/** An operation on a tenant, with what happened in it. */
export const Operation = z.object({
  id: z.string(),
  tenant_id: z.string(),
  kind: z.string(),
  status: z
    .enum(["running", "failed", "done", "abandoned"])
    .describe("running: goes on by itself; failed: waits for POST …/operations; abandoned: another has overtaken it"),
  step: z.string().nullable().describe("The step that was finished last, or the one that failed"),
  error: z.string().nullable(),
  attempts: z.number(),
  next_attempt_at: z.string().nullable(),
  initiator: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
  finished_at: z.string().nullable(),
  events: z.array(OperationEvent),
});
export type Operation = z.infer<typeof Operation>;

const KINDS = ["provision", "delete", "undelete", "purge", "rotate-credentials", "read-only"] as const;
export type OperationKind = (typeof KINDS)[number];

/** Jobs over many tenants that may be asked for one alone, and what they are called when it is many. */
export const JOBS = { migrate: "migrate", sync: "sync", verify: "sync-verify" } as const;
type Job = keyof typeof JOBS;

export const isJob = (kind: string): kind is Job => Object.hasOwn(JOBS, kind);

/** What may be asked for: any but the first three begins anew; the first four go on with what has failed. */
export const NewOperation = z.strictObject({ kind: z.enum([...KINDS, "migrate", "sync", "verify"]) });
