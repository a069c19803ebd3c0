import type { Case } from "../case.ts";
import { authorize } from "./authorize.ts";
import { clientCredentials } from "./client-credentials.ts";
import { createTenants } from "./create-tenants.ts";
import { documents } from "./documents.ts";
import { fullRegistry } from "./full-registry.ts";
import { manyTenants } from "./many-tenants.ts";
import { migrateFleet } from "./migrate-fleet.ts";
import { openAndClose } from "./open-and-close.ts";
import { openDatabases } from "./open-databases.ts";
import { pointReads } from "./point-reads.ts";
import { readTenants } from "./read-tenants.ts";
import { signInCase } from "./sign-in.ts";
import { syncFanOut } from "./sync-fan-out.ts";
import { usersPage } from "./users-page.ts";

/** All cases by name, in the order in which they run: `create-tenants` makes those that the next ones use. */
export const cases: Readonly<Record<string, Case>> = {
  documents,
  "client-credentials": clientCredentials,
  authorize,
  "sign-in": signInCase,
  "users-page": usersPage,
  "point-reads": pointReads,
  "create-tenants": createTenants,
  "read-tenants": readTenants,
  "many-tenants": manyTenants,
  "open-databases": openDatabases,
  "migrate-fleet": migrateFleet,
  "open-and-close": openAndClose,
  "full-registry": fullRegistry,
  "sync-fan-out": syncFanOut,
};
