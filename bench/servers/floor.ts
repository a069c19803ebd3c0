import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { createAuthHero } from "../../src/auth/authhero.ts";
import { deliveredBehind } from "../../src/auth/delivery.ts";
import { ensureTenantKey, generateSigningKey } from "../../src/auth/signing-keys.ts";
import { seedTenantDefaults } from "../../src/auth/tenant-defaults.ts";
import { migrate } from "../../src/db/migrate.ts";
import { openFile } from "../../src/db/native.ts";
import { systemClock as clock } from "../../src/domain/clock.ts";
import { createDataAdapters } from "../../src/entities/adapters.ts";
import { createCache } from "../../src/entities/cache.ts";
import { createStore } from "../../src/entities/store.ts";
import { ACME, furnish } from "../support/acme.ts";
import { prepared } from "../support/prepared.ts";
import { rememberedCodes, rememberedLogins, rememberedTokens } from "../support/remembered-logins.ts";
import { directory, serving } from "./serving.ts";

/**
 * The floor: AuthHero itself, set up as ours is, over adapters that answer from memory and cost nothing. What is faster
 * than this was won around AuthHero, not in the adapters. `/asked` tells how often the memory had no answer.
 */
const database = await openFile(join(mkdtempSync(join(directory, "floor-")), "acme.db"), { create: true });
await migrate(database, ["tenant", "shared"]);
const data = createDataAdapters(createStore(database, { clock }));
await data.tenants.create({ id: ACME, friendly_name: "Acme", audience: `urn:${ACME}` } as never);
await ensureTenantKey(data.keys, ACME, generateSigningKey);
await seedTenantDefaults(data, ACME);
// More than any page shows: the rest would only be a number.
await furnish(data, ACME, 100);

const { adapters, asked } = prepared(data);
const kept = {
  loginSessions: rememberedLogins(),
  codes: rememberedCodes(),
  refreshTokens: rememberedTokens(adapters.refreshTokens),
  cache: createCache({ clock }),
};
// Nobody delivers what is left in the outbox, as nobody does within a request of ours.
const floor = deliveredBehind({ ...adapters, ...kept }, () => undefined);
const { fetch } = createAuthHero({
  data: floor,
  management: floor,
  controlPlaneTenantId: "control_plane",
  otherIssuers: () => Promise.resolve([]),
  extensions: [],
});

serving((request) => {
  const { origin, pathname } = new URL(request.url);
  if (pathname === "/asked") return Response.json(asked());
  const headers = new Headers(request.headers);
  headers.set("tenant-id", ACME);
  const [ISSUER, UNIVERSAL_LOGIN_URL] = [`${origin}/`, `${origin}/u/`];
  const env = { ISSUER, AUTH_URL: ISSUER, OAUTH_API_URL: ISSUER, UNIVERSAL_LOGIN_URL };
  return fetch(new Request(request, { headers }), env);
});
