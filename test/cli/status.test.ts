import { expect, it } from "vitest";
import { openOnLoopback } from "../support/on-loopback.ts";
import { sqldMissing, startSqld } from "../support/sqld.ts";
import { within } from "./program.ts";

const status = async (url: string) => {
  const { code, stdout, stderr } = await within(["status", "--url", url, "--json"]);
  return { code, stderr, value: stdout === "" ? undefined : JSON.parse(stdout) };
};

it.skipIf(sqldMissing)(
  "says that a server goes on without its control plane (3), and since an hour does not (1)",
  async () => {
    const sqld = await startSqld([], { namespaces: false });
    let aheadMs = 0;
    const house = await openOnLoopback(
      { CONTROL_PLANE_DATABASE_URL: sqld.url, ENCRYPTION_KEY: "0a".repeat(32) },
      { clock: () => new Date(Date.now() + aheadMs) },
    );
    try {
      const well = { control_plane: "ok", migrations: "ok", background: "ok" };
      expect(await status(house.issuer)).toMatchObject({ code: 0, value: { server: "ok", checks: well } });

      await sqld.stop();
      aheadMs += 11_000;
      const checks = { control_plane: "unreachable", migrations: "unknown", background: "waiting" };
      expect(await status(house.issuer)).toMatchObject({ code: 3, value: { server: "degraded", checks } });

      aheadMs += 3_600_000;
      expect(await status(house.issuer)).toMatchObject({ code: 1, value: { server: "unavailable", checks } });
    } finally {
      await house.close();
      await sqld.stop();
    }
  },
);

it("says that something else is there, or nothing (1)", async () => {
  expect(await status("http://127.0.0.1:9/")).toMatchObject({ code: 1, stderr: expect.stringContaining("no_answer") });
});
