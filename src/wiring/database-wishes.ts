import type { Providers } from "../../provisioning/ownership.ts";
import type { DatabaseProvider, Place } from "../../provisioning/providers/provider.ts";
import { PlatformError } from "../domain/errors.ts";
import type { DatabaseWish } from "../http/tenants/schemas.ts";

interface Needs {
  /** Where databases go that nobody has a wish for. */
  readonly provider: string;
  readonly providers: Providers;
}

/**
 * Where a new tenant's database is to be, decided once: what goes on after a crash does not ask again.
 *
 * Throws `invalid` with the field and what there is: `unknown_provider`, `unknown_group`, `unknown_region`.
 */
export async function placeFor(
  { provider: usual, providers }: Needs,
  { provider = usual, ...wish }: DatabaseWish,
): Promise<{ readonly provider: string; readonly place?: Place }> {
  const found = Object.hasOwn(providers, provider) ? providers[provider] : undefined;
  if (!found) {
    const configured = Object.keys(providers).join(", ");
    throw new PlatformError("invalid", "unknown_provider", `database.provider: must be one of ${configured}`);
  }
  if (found.place) return { provider, place: await placeAt(found.place, wish) };
  for (const member of ["group", "region"] as const) if (wish[member] !== undefined) throw hasNone(provider, member);
  return { provider };
}

async function placeAt(place: NonNullable<DatabaseProvider["place"]>, wish: Omit<DatabaseWish, "provider">) {
  const { group, region } = wish;
  try {
    return await place({ ...(group !== undefined && { group }), ...(region !== undefined && { region }) });
  } catch (error) {
    if (!(error instanceof PlatformError) || error.code !== "invalid") throw error;
    // Its message begins with the member, which stands in `database` here.
    throw new PlatformError("invalid", error.reason, `database.${error.message}`, { cause: error });
  }
}

const hasNone = (provider: string, member: "group" | "region") =>
  new PlatformError("invalid", `unknown_${member}`, `database.${member}: the provider ${provider} has no ${member}s`);
