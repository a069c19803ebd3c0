import type { DataAdapters } from "@authhero/adapter-interfaces";
import { type AuthHeroAdditions, createAuthHero } from "../auth/authhero.ts";
import { consoleOrigins } from "../auth/console-client.ts";
import { deliveredBehind } from "../auth/delivery.ts";
import { createLogoutUrls } from "../auth/logout-urls.ts";
import { createPageSources } from "../auth/page-sources.ts";
import { createPasswordResets } from "../auth/password-resets.ts";
import type { TenantHooks } from "../auth/tenant-hooks.ts";
import type { TenantMembersBackend } from "../auth/tenant-members.ts";
import type { Config } from "../config.ts";
import type { Clock } from "../domain/clock.ts";
import { createFront, type FrontOptions } from "../http/front/index.ts";
import { createHostsRouter, type ExplainHost } from "../http/hosts/router.ts";
import type { FleetService } from "../http/operations/fleet-service.ts";
import { createOperationsRouter } from "../http/operations/router.ts";
import type { OperationsService } from "../http/operations/service.ts";
import { createTenantsRouter } from "../http/tenants/router.ts";
import type { TenantsService } from "../http/tenants/service.ts";
import type { Logger } from "../log/logger.ts";
import { refuseCode } from "../tenancy/code-hooks.ts";
import { soundPasswordResets } from "../tenancy/password-resets.ts";
import { keepPatchKeys } from "../tenancy/patch-keys.ts";
import { protectSynced, requireChangeable } from "../tenancy/protect-synced.ts";
import { requireBoundTenant } from "../tenancy/router.ts";
import { hostRules } from "./host-rules.ts";
import type { Mailing } from "./mail.ts";
import { packageVersion } from "./version.ts";

/** What a library's caller adds to the house. */
export interface Additions {
  readonly hooks?: readonly TenantHooks[];
  readonly authHero?: AuthHeroAdditions;
  readonly requireOrganizationMatch?: boolean;
  readonly subdomains?: Pick<FrontOptions, "reservedSubdomains" | "resolveSubdomain">;
}

/** What the front's guard looks up. */
export type Lookups = Pick<FrontOptions, "placements" | "keys" | "affiliations" | "organizationGrants" | "isAway">;

/** What our own routes do. */
interface Services {
  readonly tenants: TenantsService;
  readonly operations: OperationsService;
  readonly fleet: FleetService;
  readonly explainHost: ExplainHost;
}

/** What stands behind the front, whichever way tenants are kept. */
export interface Behind
  extends Pick<
    FrontOptions,
    "atHand" | "audit" | "begun" | "bringUpToDate" | "pending" | "readiness" | "states" | "trace" | "versionOf"
  > {
  readonly config: Config;
  readonly log: Logger;
  readonly clock: Clock;
  /** For the flows in which people sign in. */
  readonly data: DataAdapters;
  /** For the Management API. */
  readonly management: DataAdapters;
  readonly services: Services;
  readonly lookups: Lookups;
  readonly domains: {
    readonly names: FrontOptions["domains"];
    readonly verify: FrontOptions["verifyDomain"];
    readonly otherIssuers: (tenantId: string) => Promise<readonly string[]>;
  };
  readonly mailing: Mailing;
  readonly tenantMembers: TenantMembersBackend;
  /** Told of a tenant in whose outbox something was left. */
  readonly outboxWritten: (tenantId: string) => void;
  readonly additions: Additions;
}

/** AuthHero and the front around it: every house has this one, so that none misses a guard. */
export function frontOver(behind: Behind) {
  const { config, log, clock, data, management, services, domains, mailing, additions, audit } = behind;
  const rules = hostRules(config, additions);
  const { controlPlaneTenantId } = rules;
  // Events that a user write carries along are seen here first.
  const left = () => behind.outboxWritten(requireBoundTenant("outbox"));
  const authHero = createAuthHero({
    data: deliveredBehind(soundPasswordResets(mailing.stub(data), clock), left),
    management: deliveredBehind(
      protectSynced(
        refuseCode(keepPatchKeys(soundPasswordResets(mailing.stub(management), clock))),
        controlPlaneTenantId,
      ),
      left,
    ),
    controlPlaneTenantId,
    otherIssuers: domains.otherIssuers,
    tenantMembers: behind.tenantMembers,
    extensions: extensionsOver(services),
    origins: consoleOrigins(config.CONSOLE_CALLBACKS),
    ...(additions.authHero && { additions: additions.authHero }),
  });
  const front = createFront({
    ...rules,
    trustedProxies: config.TRUSTED_PROXIES,
    domains: domains.names,
    verifyDomain: domains.verify,
    requireOrganizationMatch: additions.requireOrganizationMatch ?? true,
    states: behind.states,
    logoutUrls: createLogoutUrls(data),
    ...behind.lookups,
    changeable: requireChangeable(management, controlPlaneTenantId),
    passwordResets: { requireSender: mailing.requireSender, ...createPasswordResets(data, clock) },
    pending: behind.pending,
    pageSources: createPageSources(data),
    ...(mailing.mailbox && { mails: mailing.mailbox.list }),
    inner: authHero.fetch,
    reference: { described: authHero.described, version: packageVersion() },
    ...(audit && { audit }),
    bringUpToDate: behind.bringUpToDate,
    versionOf: behind.versionOf,
    atHand: behind.atHand,
    begun: behind.begun,
    trace: behind.trace,
    readiness: behind.readiness,
    log,
    clock,
  });
  return { front, routes: authHero.routes };
}

/** Our own routes of the Management API. */
export const extensionsOver = ({ tenants, operations, fleet, explainHost }: Services) => [
  { path: "/tenants", router: createTenantsRouter(tenants, operations, fleet) },
  { path: "/operations", router: createOperationsRouter(operations, fleet) },
  { path: "/hosts", router: createHostsRouter(explainHost) },
];
