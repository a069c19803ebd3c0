import { timeId } from "../../src/domain/ids.ts";
import { SERVED } from "../../src/domain/tenants.ts";
import { ensureOrganization, isOrganizationTaken, organizationExists } from "../organization.ts";
import { providerOf } from "../ownership.ts";
import type { Placement } from "../placements.ts";
import type { Asked, Started } from "../starting.ts";
import { FINDINGS, type Finding, type FindingKind } from "./findings.ts";
import { destroyLeftover } from "./leftovers.ts";
import type { TenantCheckNeeds } from "./tenant-checks.ts";

/** The finding's tenant as it is now. */
interface Ailing {
  readonly found: Finding;
  readonly placement: Placement;
  readonly asked: Asked;
}

type Repairable = { [K in FindingKind]: (typeof FINDINGS)[K]["repair"] extends null ? never : K }[FindingKind];

/** What a repair of each kind does. A kind that says it can be repaired does not compile until it is here. */
type Repairs = Readonly<Record<Repairable, (found: Finding, asked: Asked) => Promise<void>>>;

/** A placement may be changed by somebody else while its database is being moved; then it is moved again. */
const MOVES_MAX = 3;

/**
 * Repairs one finding, if it still is what it was. Each may be repeated, and may come too late: what it does changes
 * nothing then. Throws what stands in the way.
 */
export function createRepairs(needs: TenantCheckNeeds) {
  const { journal, lifecycle, questions, providers } = needs;
  const ended = async (started: Started | null) => void (await started?.ended);
  const repairs: Repairs = {
    operation_stalled: async ({ tenantId, subject }) => {
      const operation = await journal.get(subject);
      if (operation && tenantId !== null) await ended(await lifecycle.resume(tenantId, operation.kind));
    },
    operation_obsolete: async ({ subject }) => {
      const operation = await journal.get(subject);
      if (operation && !journal.isHeld(operation)) await journal.abandon(operation);
    },
    operation_missing: onTenant(needs, async ({ placement, asked }) =>
      ended(await lifecycle.restart(placement.tenantId, asked)),
    ),
    purge_unscheduled: onTenant(needs, async ({ placement, asked }) =>
      ended(await lifecycle.restart(placement.tenantId, asked)),
    ),
    purge_overdue: onTenant(needs, async ({ placement, asked }) => {
      if (placement.state === "deleted") await ended(await lifecycle.purge(placement.tenantId, asked));
    }),
    tag_unclaimed: onTenant(needs, (ailing) => claimTag(needs, ailing)),
    database_retained: onTenant(needs, (ailing) => putInPlace(needs, ailing)),
    database_open: onTenant(needs, (ailing) => putInPlace(needs, ailing)),
    organization_missing: onTenant(needs, async ({ found, placement, asked }) => {
      const lost = { ...placement, organizationId: null };
      const organizationOf = () => needs.organizationOf(placement, null);
      await ensureOrganization(needs.registry, organizationOf, lost, null, noteOf(needs, placement, found, asked));
    }),
    organization_misnamed: onTenant(needs, (ailing) => nameOrganization(needs, ailing)),
    client_unlisted: async ({ tenantId, subject }) => {
      if (tenantId !== null) await needs.registry.directories.addClient(tenantId, subject);
    },
    client_directory_stale: async ({ tenantId, subject }) => {
      if (tenantId !== null) await questions.unlistClient(tenantId, subject);
    },
    state_directory_stray: ({ subject }) => questions.unlistState(subject),
    custom_domain_leftover: async ({ tenantId, subject }) => {
      if (tenantId !== null) await questions.removeLeftoverDomain(tenantId, subject);
    },
    database_leftover: (found) => destroyLeftover(needs, found),
    file_companion: async ({ provider, subject, detail }) => {
      if (provider !== null && detail === null) await providers[provider]?.clear?.(subject);
    },
    file_half_made: async ({ provider, subject }) => {
      if (provider !== null) await providers[provider]?.clear?.(subject);
    },
  };
  return repairs;
}

/** Whether there is anything that repairing could do about a finding. */
export const isRepairable = ({ kind, detail }: Finding): boolean =>
  FINDINGS[kind].repair !== null && !(kind === "file_companion" && detail !== null);

const onTenant =
  ({ registry }: TenantCheckNeeds, repair: (ailing: Ailing) => Promise<void>) =>
  async (found: Finding, asked: Asked): Promise<void> => {
    const placement = found.tenantId === null ? null : await registry.read(found.tenantId);
    if (placement) await repair({ found, placement, asked });
  };

/** The statements that write a repair down among the tenant's operations. */
function noteOf({ journal, clock }: TenantCheckNeeds, placement: Placement, { kind }: Finding, { initiator }: Asked) {
  const { tenantId, tag } = placement;
  return journal.note({ id: timeId(clock()), tenantId, tag, kind: "repair", initiator }, kind);
}

async function claimTag(needs: TenantCheckNeeds, { found, placement, asked }: Ailing): Promise<void> {
  const { tenantId, tag } = placement;
  await needs.registry.ifUnchanged(placement, [
    needs.questions.claiming(tenantId, tag, placement.incarnationAt),
    ...noteOf(needs, placement, found, asked),
  ]);
}

async function nameOrganization(needs: TenantCheckNeeds, { found, placement, asked }: Ailing): Promise<void> {
  const { registry, records } = needs;
  if (placement.organizationId === null) return;
  try {
    await registry.ifUnchanged(placement, [
      records.naming(placement.organizationId, placement.tenantId),
      ...noteOf(needs, placement, found, asked),
    ]);
  } catch (error) {
    throw isOrganizationTaken(error) ? organizationExists(placement.tenantId, error) : error;
  }
}

/** Puts a database back or away, as its tenant's state says, until that has not changed meanwhile. */
async function putInPlace(needs: TenantCheckNeeds, { found, placement, asked }: Ailing): Promise<void> {
  let meant = placement;
  for (let moves = 0; moves < MOVES_MAX; moves += 1) {
    const provider = providerOf(needs.providers, meant);
    if (meant.state === "deleted") await provider.retain(meant.database);
    else if (SERVED.includes(meant.state)) await provider.release(meant.database);
    else return;
    const now = await needs.registry.read(meant.tenantId);
    if (now?.tag !== meant.tag) return;
    if (now.state === meant.state) return await needs.registry.ifUnchanged(now, noteOf(needs, now, found, asked));
    meant = now;
  }
}
