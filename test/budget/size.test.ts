import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { fileProvider } from "../../provisioning/providers/file.ts";
import { createTemplate } from "../../provisioning/template.ts";
import { seedTenantDefaults, verifyTenantDefaults } from "../../src/auth/tenant-defaults.ts";
import { migrate, migrationHash } from "../../src/db/migrate.ts";
import { systemClock } from "../../src/domain/clock.ts";
import { DatabaseName } from "../../src/domain/names.ts";
import { createDataAdapters } from "../../src/entities/adapters.ts";
import { createStore } from "../../src/entities/store.ts";

/** Tens of thousands of tenants are to fit on one disk. */
const BYTES_MAX = 250 * 1_024;

const directory = mkdtempSync(join(tmpdir(), "size-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it("the file of a new tenant, with what every tenant has, takes 250 KiB at most", async () => {
  const provider = fileProvider({ directory });
  const template = createTemplate({
    schemaVersion: await migrationHash(["tenant"]),
    migrate: (opened) => migrate(opened, ["tenant"]),
  });
  const name = DatabaseName.parse("acme");
  const location = await provider.ensure(name, { from: await template.at(provider) });
  const database = await provider.open(name, location);
  const adapters = createDataAdapters(createStore(database, { clock: systemClock }));
  await seedTenantDefaults(adapters, "acme");
  await verifyTenantDefaults(adapters, "acme");
  const sql = "select page_count * page_size as bytes from pragma_page_count, pragma_page_size";
  const [size] = await database.batch([{ sql, parameters: [] }]);
  await database.close();

  expect(size?.rows[0]?.bytes).toBe(statSync(join(directory, "acme.db")).size);
  expect(size?.rows[0]?.bytes).toBeGreaterThan(50_000);
  expect(size?.rows[0]?.bytes).toBeLessThanOrEqual(BYTES_MAX);
});
