import { describe, vi } from "vitest";
import { tursoProvider } from "../../provisioning/providers/turso.ts";
import { testProvider } from "../../src/conformance/index.ts";

const { TURSO_ORGANIZATION: organization, TURSO_API_TOKEN: apiToken, TURSO_GROUP: group } = process.env;
const isConfigured = organization !== undefined && apiToken !== undefined;

// A new database may need half a minute, and a clause makes two.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const excuse = isConfigured ? "" : " (skipped: TURSO_ORGANIZATION and TURSO_API_TOKEN are not set)";

describe.skipIf(!isConfigured)(`the turso provider on Turso Cloud${excuse}`, () => {
  testProvider(() =>
    tursoProvider({ organization: organization ?? "", apiToken: apiToken ?? "", ...(group && { group }) }),
  );
});
