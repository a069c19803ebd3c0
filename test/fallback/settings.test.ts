import type { DataAdapters } from "@authhero/adapter-interfaces";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createLender } from "../../src/fallback/lender.ts";
import { inheritedSettings, withSettings } from "../../src/fallback/settings.ts";
import { asRequestOf, CONTROL_PLANE, twoHouses } from "../support/houses.ts";

let houses: Awaited<ReturnType<typeof twoHouses>>;
let merged: DataAdapters;

beforeEach(async () => {
  houses = await twoHouses();
  const shared = houses.house(CONTROL_PLANE);
  await shared.tenants.create({ id: CONTROL_PLANE, friendly_name: "CP", session_lifetime: 48 });
  await shared.tenants.update(CONTROL_PLANE, { support_url: "lent" });
  await shared.tenants.create({ id: "acme", friendly_name: "Acme", session_lifetime: 1 });
  const lender = createLender({ tenantId: CONTROL_PLANE, adapters: shared, remember: (_key, read) => read() });
  const inheritedOf = inheritedSettings(
    { inheritedKeys: ["support_url"], lockedKeys: ["session_lifetime"] },
    async (tenantId) => (tenantId === CONTROL_PLANE ? null : lender),
  );
  merged = withSettings(houses.auth, inheritedOf);
});
afterEach(() => houses.remove());

const update = (patch: object) => asRequestOf("acme", () => merged.tenants.update("acme", patch));
const stored = () => houses.house(CONTROL_PLANE).tenants.get("acme");

it("a tenant that is read and written back as it was keeps its own row", async () => {
  const read = await asRequestOf("acme", () => merged.tenants.get("acme"));
  expect(read).toMatchObject({ support_url: "lent", session_lifetime: 48 });

  await update({ ...read, friendly_name: "New" });

  expect(await stored()).toMatchObject({ friendly_name: "New", session_lifetime: 1 });
  expect(await stored()).not.toHaveProperty("support_url");
});

it("a setting of the tenant's own is written, also when it is what would be inherited later", async () => {
  await update({ support_url: "own" });
  expect(await stored()).toMatchObject({ support_url: "own" });

  await houses.house(CONTROL_PLANE).tenants.update(CONTROL_PLANE, { support_url: "own" });
  await update({ support_url: "own" });
  expect(await stored()).toMatchObject({ support_url: "own" });
});

it("a locked one is refused, in a transaction too", async () => {
  const locked = { code: "conflict", reason: "setting_locked" };

  await expect(update({ session_lifetime: 2 })).rejects.toMatchObject(locked);
  const inside = asRequestOf("acme", () =>
    merged.transaction((trx) => trx.tenants.update("acme", { session_lifetime: 2 })),
  );
  await expect(inside).rejects.toMatchObject(locked);
  expect(await stored()).toMatchObject({ session_lifetime: 1 });
});
