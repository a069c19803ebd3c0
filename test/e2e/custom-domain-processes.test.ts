import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createTenant, managementOf, managementToken } from "../support/clients.ts";
import { startNameServer } from "../support/name-server.ts";
import { freePort } from "../support/program.ts";
import { startServer } from "../support/server.ts";
import { sqldMissing, startSqld } from "../support/sqld.ts";

/** Far longer than anything here takes; a machine may be busy. */
const PATIENCE_MS = 120_000;

/** Two processes, the server of their control plane, and a name server. */
async function startAll() {
  const [names, controlPlane] = [await startNameServer(), await startSqld([], { namespaces: false })];
  const directory = mkdtempSync(join(tmpdir(), "pair-"));
  const ports = [await freePort(), await freePort()];
  const env = {
    ...{ ISSUER: `http://localhost:${ports[0]}/`, DNS_SERVERS: names.address },
    ...{ CONTROL_PLANE_DATABASE_URL: controlPlane.url, ENCRYPTION_KEY: "0a".repeat(32) },
  };
  const [here, there] = await Promise.all(ports.map((port) => startServer({ directory, port, env })));
  if (!here || !there) throw new Error("two processes were started");
  return { names, controlPlane, here, there };
}

it.skipIf(sqldMissing)(
  "two processes on a libSQL server serve a domain that one has verified; without the control plane a stranger is 503",
  { timeout: 3 * PATIENCE_MS },
  async () => {
    const { names, controlPlane, here, there } = await startAll();
    const statusAt = async (host: string, port: number) =>
      (await fetch(`http://${host}:${port}/.well-known/openid-configuration`)).status;
    const eventually = (host: string, port: number) =>
      expect.poll(() => statusAt(host, port), { timeout: PATIENCE_MS, interval: 100 });
    try {
      const token = await managementToken(here);
      for (const id of ["acme", "beta"]) await createTenant(here, token, id);
      const { customDomains } = managementOf(here, token, "acme");
      expect(await statusAt("login.acme.test", there.port)).toBe(404);

      const made = await customDomains.create({ domain: "login.acme.test", type: "self_managed_certs" });
      const { verification } = made as unknown as {
        verification: { methods: readonly { domain: string; record: string }[] };
      };
      for (const { domain, record } of verification.methods) names.set(domain, record);
      expect((await customDomains.verify(made.custom_domain_id)).status).toBe("ready");
      expect(await statusAt("login.acme.test", here.port)).toBe(200);
      await eventually("login.acme.test", there.port).toBe(200);

      await controlPlane.stop();
      for (const { port } of [here, there]) {
        await eventually("login.nobody.test", port).toBe(503);
        await eventually("nobody.localhost", port).toBe(503);
        expect(await statusAt("x.beta.localhost", port)).toBe(404);
      }
    } finally {
      await here.remove();
      await there.remove();
      await controlPlane.stop();
      await names.stop();
    }
  },
);
