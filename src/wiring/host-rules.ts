import type { Standing } from "../../provisioning/placements.ts";
import type { Config } from "../config.ts";
import type { PlacementView } from "../http/front/exchange.ts";
import type { HostRules } from "../tenancy/hosts.ts";
import type { Additions } from "./front.ts";

/** The names that this installation answers to, as its settings say. */
export const hostRules = (
  config: Config,
  { subdomains }: Pick<Additions, "subdomains"> = {},
): HostRules & Additions["subdomains"] => ({
  ...subdomains,
  issuer: new URL(config.ISSUER),
  baseDomain: config.BASE_DOMAIN,
  controlPlaneTenantId: config.CONTROL_PLANE_TENANT_ID,
});

/** A placement as the front sees it. */
export const placementView = ({ state, incarnationAt, organizationId, domains }: Standing): PlacementView => ({
  ...{ state, organizationId, domains },
  began: new Date(incarnationAt),
});
