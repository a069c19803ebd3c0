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

/** What may be asked for: the last four, or to go on with any of the first four that has failed. */
export const NewOperation = z.strictObject({ kind: z.enum([...KINDS, "migrate"]) });
