import type { Case } from "../case.ts";
import { createTenants } from "./create-tenants.ts";
import { fullRegistry } from "./full-registry.ts";
import { migrateFleet } from "./migrate-fleet.ts";
import { openAndClose } from "./open-and-close.ts";
import { openDatabases } from "./open-databases.ts";
import { readTenants } from "./read-tenants.ts";

/** All cases by name, in the order in which they run: the first makes the tenants that the next ones use. */
export const cases: Readonly<Record<string, Case>> = {
  "create-tenants": createTenants,
  "read-tenants": readTenants,
  "open-databases": openDatabases,
  "migrate-fleet": migrateFleet,
  "open-and-close": openAndClose,
  "full-registry": fullRegistry,
};
