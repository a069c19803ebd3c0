import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { FirstLogin } from "../../src/auth/control-plane.ts";
import { loadConfig } from "../../src/config.ts";
import type { Database } from "../../src/db/database.ts";
import { migrationHash } from "../../src/db/migrate.ts";
import { openFile } from "../../src/db/native.ts";
import { createKeyRing } from "../../src/db/seal.ts";
import { systemClock } from "../../src/domain/clock.ts";
import { createLogger } from "../../src/log/logger.ts";
import { controlPlaneIn } from "../../src/wiring/control-plane.ts";
import { createProviders } from "../../src/wiring/providers.ts";
import { openHouse } from "../../src/wiring/rowhouse.ts";
import { fillRegistry } from "./registry-rows.ts";

const CONTROL_PLANE = "control_plane";

/** The whole service in this process, its registry full of so many tenants; `watch` sees the control plane's database. */
export interface FullHouse extends Awaited<ReturnType<typeof openFullHouse>> {}

export async function openFullHouse(
  directory: string,
  count: number,
  watch = (database: Database) => database,
  clock = systemClock,
) {
  const config = loadConfig({ DATA_DIR: directory, LOG_LEVEL: "error" });
  mkdirSync(directory, { recursive: true });
  const database = await openFile(join(directory, "control-plane.db"), { create: true });
  const keyRing = createKeyRing({ current: { id: "bench", key: randomBytes(32) } });
  const log = createLogger({ level: config.LOG_LEVEL });
  const controlPlane = await controlPlaneIn({
    database: watch(database),
    keyRing,
    tenantId: CONTROL_PLANE,
    clock,
    log,
  });
  await fillRegistry(database, count, await migrationHash(["tenant"]));
  const logins: FirstLogin[] = [];
  const house = await openHouse(controlPlane, {
    config,
    log,
    clock,
    providers: createProviders(config),
    provider: config.PROVIDER,
    keepLogin: (login) => Promise.resolve(void logins.push(login)),
  });

  const ask = async <T>(path: string, init: RequestInit = {}): Promise<T> => {
    const request = new Request(`http://127.0.0.1${path}`, init);
    request.headers.set("host", new URL(config.ISSUER).host);
    const answer = await house.fetch(request);
    const body = await answer.text();
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${body}`);
    return JSON.parse(body);
  };
  const [login] = logins;
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: login?.clientId ?? "",
    client_secret: login?.clientSecret ?? "",
    audience: "urn:authhero:management",
  });
  const { access_token } = await ask<{ access_token: string }>("/oauth/token", { method: "POST", body: form });
  const headers = { authorization: `Bearer ${access_token}`, "content-type": "application/json" };

  return {
    get: <T>(path: string) => ask<T>(`/api/v2${path}`, { headers }),
    post: <T>(path: string, body: object) =>
      ask<T>(`/api/v2${path}`, { method: "POST", headers, body: JSON.stringify(body) }),
    close: () => house.close(),
  };
}
