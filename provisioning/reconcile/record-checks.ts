import type { Operation } from "../operation-rows.ts";
import { type Finding, finding } from "./findings.ts";
import { everyPage, type KnownOrganization, PAGE_ROWS } from "./needs.ts";
import type { NotedTag } from "./registry-questions.ts";
import { isUnderWay, type TenantCheckNeeds } from "./tenant-checks.ts";

/** What the control plane's database has of tenants that are not there, a page at a time. */
export async function* checkRecords(needs: TenantCheckNeeds): AsyncIterable<Finding> {
  yield* operationsOfNobody(needs);
  yield* lostTenants(needs);
  yield* strayEntries(needs);
  yield* unplacedRows(needs);
  yield* strangeOrganizations(needs);
}

/** Those of tenants that are there are seen with the tenant. */
async function* operationsOfNobody(needs: TenantCheckNeeds): AsyncIterable<Finding> {
  let page = await needs.journal.unfinished();
  while (page.length > 0) {
    yield* operationsOfNobodyAmong(needs, page);
    page = await needs.journal.unfinished(page.at(-1)?.number);
  }
}

/** Which of these unfinished operations are of tenants that are not there. */
export async function* operationsOfNobodyAmong(needs: TenantCheckNeeds, operations: readonly Operation[]) {
  const placements = await needs.registry.readAll(operations.map(({ tenantId }) => tenantId));
  for (const operation of operations) {
    const { id, tenantId, kind } = operation;
    if (placements.has(tenantId) || isUnderWay(needs, operation)) continue;
    yield finding("operation_obsolete", id, { tenantId, detail: kind });
  }
}

async function* lostTenants({ questions }: TenantCheckNeeds): AsyncIterable<Finding> {
  const pages = everyPage(questions.lostTags, ({ tag }) => tag);
  for await (const page of pages) {
    for (const { tag, tenantId, claimedAt } of page)
      yield finding("placement_lost", tag, { tenantId, detail: claimedAt });
  }
}

async function* strayEntries({ questions }: TenantCheckNeeds): AsyncIterable<Finding> {
  for await (const page of everyPage(questions.strayClients, ({ cursor }) => cursor)) {
    for (const { tenantId, clientId } of page) yield finding("client_directory_stale", clientId, { tenantId });
  }
  for await (const page of everyPage(questions.strayStates, ({ id }) => id)) {
    for (const { id, tenantId } of page) yield finding("state_directory_stray", id, { tenantId });
  }
  for await (const page of everyPage(questions.leftoverDomains, ({ cursor }) => cursor)) {
    for (const { domain, tenantId } of page) yield finding("custom_domain_leftover", domain, { tenantId });
  }
}

async function* unplacedRows({ registry, records }: TenantCheckNeeds): AsyncIterable<Finding> {
  const pages = everyPage(
    (after) => records.tenantIds(after, PAGE_ROWS),
    (id) => id,
  );
  for await (const page of pages) {
    const placements = await registry.readAll(page);
    for (const id of page) if (!placements.has(id)) yield finding("tenant_row_unplaced", id, { tenantId: id });
  }
}

/** Organizations are the administrators' own, unless they are a tenant's; only those called like a tenant are looked at. */
async function* strangeOrganizations(needs: TenantCheckNeeds): AsyncIterable<Finding> {
  const { registry, records, questions, controlPlaneTenantId } = needs;
  const pages = everyPage(
    (after) => records.organizations(after, PAGE_ROWS),
    ({ id }) => id,
  );
  for await (const page of pages) {
    const names = page.map(({ name }) => name);
    const [placements, lives] = await Promise.all([registry.readAll(names), questions.livesOf(names)]);
    for (const organization of page) {
      const { id, name: tenantId } = organization;
      // The control plane's own stands for all of it, and is made with it.
      if (tenantId === controlPlaneTenantId) continue;
      const placement = placements.get(tenantId);
      if (placement && placement.organizationId !== id) yield finding("organization_foreign", id, { tenantId });
      if (!placement && lives.some(wasMadeIn(organization))) yield finding("organization_leftover", id, { tenantId });
    }
  }
}

/** While a tenant lives, nobody else can make an organization of its name; afterwards everybody may. */
const wasMadeIn =
  ({ name, createdAt }: KnownOrganization) =>
  ({ tenantId, claimedAt, retiredAt }: NotedTag): boolean =>
    tenantId === name && createdAt !== null && retiredAt !== null && createdAt >= claimedAt && createdAt <= retiredAt;
