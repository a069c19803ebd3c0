import * as z from "zod";
import { callable } from "../domain/options.ts";

/** The shape of an object of functions, each of which may be left out. */
export const functionsShape = (names: string): Readonly<Record<string, z.ZodType>> =>
  Object.fromEntries(names.split(" ").map((name) => [name, callable().optional()]));

/** `TenantHooks` of a caller. */
export const TenantHooksOption = z.strictObject(
  functionsShape("beforeCreate afterCreate beforeUpdate afterUpdate beforeDelete afterDelete"),
);

/** `TenantEvents` of a caller. */
export const EventsShape = functionsShape(
  "onTenantCreating onTenantCreated onTenantUpdating onTenantUpdated onTenantDeleting onTenantDeleted",
);
