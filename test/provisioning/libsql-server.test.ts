import { afterAll, describe } from "vitest";
import { libsqlServerProvider } from "../../provisioning/providers/libsql-server.ts";
import { testProvider } from "../../src/conformance/index.ts";
import { sqldMissing, startSqld } from "../support/sqld.ts";

const adminKey = "k".repeat(32);
const sqld = sqldMissing ? null : await startSqld([], { adminKey });
afterAll(() => sqld?.stop());

describe.skipIf(sqldMissing)(`the libsql-server provider${sqldMissing ? ` (skipped: ${sqldMissing})` : ""}`, () => {
  testProvider(() => libsqlServerProvider({ url: sqld?.url ?? "", adminUrl: sqld?.adminUrl ?? "", adminKey }));
});
