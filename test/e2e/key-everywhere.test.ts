import { afterEach, expect, it } from "vitest";
import { parseKeyRing } from "../../src/db/seal.ts";
import { api, managementToken } from "../support/clients.ts";
import { type RunningServer, startServer } from "../support/server.ts";

const PATIENCE_MS = 300_000;
const OLD = "07".repeat(32);
const FRESH = "0a".repeat(32);

const running: RunningServer[] = [];
afterEach(async () => {
  // The first has the data.
  for (const server of running.splice(0).reverse()) await server.remove();
});

/** Starts a process; all but the first on the data of that one. */
async function start(...keys: readonly string[]): Promise<RunningServer> {
  const [first] = running;
  const env = { ENCRYPTION_KEY: keys.join(","), ...(first && { ISSUER: first.issuer }) };
  const server = await startServer({ env, ...(first && { directory: first.directory }) });
  running.push(server);
  return server;
}

const rotate = async (server: RunningServer, token: string) => {
  const body = JSON.stringify({ kind: "rotate-keys" });
  const answer = await api(server, token, "/operations", { method: "POST", body });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};

it("seals nothing with a key that another process lacks, and names the process", { timeout: PATIENCE_MS }, async () => {
  const older = await start(OLD);
  const newer = await start(FRESH, OLD);
  const token = await managementToken(older);

  const refused = await rotate(newer, token);
  expect(refused).toMatchObject({ status: 409, body: { errorCode: "key_not_everywhere" } });
  const { message } = refused.body;
  expect(message).toContain(`The key ${parseKeyRing(FRESH).currentId} is not known to every process:`);
  expect(message).toContain(`(process ${older.pid})`);
  for (const key of [OLD, FRESH]) expect(JSON.stringify(refused.body)).not.toContain(key);

  await older.stop();
  expect(await rotate(newer, token)).toMatchObject({ status: 202, body: { kind: "rotate-keys" } });
});
