import { expect, it } from "vitest";
import { PlatformError } from "../../src/domain/errors.ts";
import { type RequestContext, runInContext } from "../../src/tenancy/context.ts";
import { remembering } from "../../src/tenancy/router.ts";

/** What a caller is told of an adapter's failure, thrown and remembered. */
async function told(failure: PlatformError) {
  const context: RequestContext = { requestId: "r", tenantId: "acme", origin: new URL("http://acme.localhost/") };
  const thrown = await runInContext(context, () => remembering(() => Promise.reject(failure)).catch((error) => error));
  expect(thrown).toBe(context.failure);
  const { reason, message, status } = thrown as PlatformError;
  return { reason, message, status };
}
const violation = (message: string) => new PlatformError("invalid", "constraint_violation", message);

it("a field that a row cannot do without is named, and not in SQLite's words", async () => {
  expect(await told(violation("NOT NULL constraint failed: roles.name"))).toEqual({
    reason: "invalid_body",
    message: "name: is missing",
    status: 400,
  });
});

it.each([
  violation("CHECK constraint failed: size > 0"),
  new PlatformError("conflict", "unique_violation", "name exists already (UNIQUE constraint failed: roles.name)"),
])("what else has failed stays as it is: %s", async (failure) => {
  const { reason, message, status } = failure;
  expect(await told(failure)).toEqual({ reason, message, status });
});
