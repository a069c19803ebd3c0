import type { Registry } from "../../provisioning/registry.ts";
import type { StandingAtHand } from "../http/front/published.ts";
import type { VersionOf } from "../tenancy/caching.ts";
import { placementView } from "./host-rules.ts";

type Reads = Pick<Registry, "get" | "atHand">;
type Epoch = Pick<NonNullable<ReturnType<Reads["atHand"]>>, "tag" | "epoch">;

/** What changes with everything that cached values of a tenant depend on; null for a tenant that is not there. */
export function createVersions(registry: Reads, controlPlaneTenantId: string) {
  const versionOf: VersionOf = async (tenantId) => {
    const [own, controlPlane] = await Promise.all([registry.get(tenantId), registry.get(controlPlaneTenantId)]);
    return own && controlPlane && versionFrom(own, controlPlane);
  };

  /** The same, and how the tenant stands, without asking anybody. */
  const atHand: StandingAtHand = (tenantId) => {
    const own = registry.atHand(tenantId);
    const controlPlane = registry.atHand(controlPlaneTenantId);
    if (!own || !controlPlane) return null;
    const placement = own === controlPlane ? null : placementView(own);
    return { placement, version: versionFrom(own, controlPlane) };
  };

  return { versionOf, atHand };
}

const versionFrom = (own: Epoch, controlPlane: Epoch) => `${own.tag} ${own.epoch} ${controlPlane.epoch}`;
