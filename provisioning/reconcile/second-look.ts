import { DatabaseName } from "../../src/domain/names.ts";
import type { DatabaseProvider } from "../providers/provider.ts";
import { strangersAmong, straysOf } from "./database-checks.ts";
import { type Finding, type FindingKind, isSame } from "./findings.ts";
import { operationsOfNobodyAmong } from "./record-checks.ts";
import { checkTenant, type TenantCheckNeeds } from "./tenant-checks.ts";

type Look = (needs: TenantCheckNeeds, found: Finding) => Promise<boolean>;

/** How to see one again without looking at everything else; those of a tenant are seen with the tenant. */
const LOOKS: Readonly<Partial<Record<FindingKind, Look>>> = {
  async operation_obsolete(needs, found) {
    const operation = await needs.journal.get(found.subject);
    const isOver = operation?.state !== "running" && operation?.state !== "failed";
    return !isOver && (await contains(operationsOfNobodyAmong(needs, [operation]), found));
  },
  client_directory_stale: async ({ questions }, { tenantId, subject }) =>
    tenantId !== null && (await questions.isStrayClient(tenantId, subject)),
  state_directory_stray: ({ questions }, { subject }) => questions.isStrayState(subject),
  custom_domain_leftover: async ({ questions }, { tenantId, subject }) =>
    tenantId !== null && (await questions.isLeftoverDomain(tenantId, subject)),
  database_leftover: atProvider((needs, place, { subject }) =>
    strangersAmong(needs, place, [DatabaseName.parse(subject)]),
  ),
  file_companion: atProvider(straysOf),
  file_half_made: atProvider(straysOf),
};

/** Whether a finding that can be repaired still is as it was found. */
export async function lookAgain(needs: TenantCheckNeeds, found: Finding): Promise<boolean> {
  const { kind, tenantId } = found;
  if (tenantId !== null && (await checkTenant(needs, tenantId)).some(isSame(found))) return true;
  return (await LOOKS[kind]?.(needs, found)) ?? false;
}

function atProvider(
  look: (needs: TenantCheckNeeds, provider: DatabaseProvider, found: Finding) => AsyncIterable<Finding>,
): Look {
  return async (needs, found) => {
    const { providers } = needs;
    const { provider } = found;
    const place = provider !== null && Object.hasOwn(providers, provider) ? providers[provider] : undefined;
    return place !== undefined && (await contains(look(needs, place, found), found));
  };
}

async function contains(all: AsyncIterable<Finding>, wanted: Finding): Promise<boolean> {
  for await (const one of all) if (isSame(wanted)(one) && one.detail === wanted.detail) return true;
  return false;
}
