import { type DatabaseName, databaseNameOf, databaseNameParts, Tag } from "../../src/domain/names.ts";
import type { DatabaseProvider, Stray } from "../providers/provider.ts";
import { isTemplateName } from "../template.ts";
import { type Finding, finding } from "./findings.ts";
import { everyPage, PAGE_ROWS } from "./needs.ts";
import { isKept, isUnderWay, reasonOf, type TenantCheckNeeds } from "./tenant-checks.ts";

/** What is at the providers and belongs to no tenant that is there. */
export async function* checkProviders(needs: TenantCheckNeeds): AsyncIterable<Finding> {
  for (const provider of Object.values(needs.providers)) {
    try {
      yield* databasesOf(needs, provider);
      yield* straysOf(needs, provider);
    } catch (error) {
      // What of it is the control plane's own trouble stops the next check, too.
      yield finding("provider_unreachable", provider.name, { provider: provider.name, detail: reasonOf(error) });
    }
  }
}

async function* databasesOf(needs: TenantCheckNeeds, provider: DatabaseProvider): AsyncIterable<Finding> {
  const names = provider.supports.list ? provider.list() : everyRetiredName(needs, provider);
  let page: DatabaseName[] = [];
  for await (const name of names) {
    page.push(name);
    if (page.length < PAGE_ROWS) continue;
    yield* strangersAmong(needs, provider, page);
    page = [];
  }
  yield* strangersAmong(needs, provider, page);
}

/**
 * A place that cannot list its databases can still be asked for those of purged tenants: by the name of their first
 * generation, which so far is the only one.
 */
async function* everyRetiredName({ questions }: TenantCheckNeeds, { usage }: DatabaseProvider) {
  if (!usage) return;
  for await (const page of everyPage(questions.retiredTags, ({ tag }) => tag)) {
    for (const { tag } of page) yield databaseNameOf(Tag.parse(tag), 1);
  }
}

/** Which of these databases belong to no tenant that is there. */
export async function* strangersAmong(
  needs: TenantCheckNeeds,
  { name: provider }: DatabaseProvider,
  names: readonly DatabaseName[],
): AsyncIterable<Finding> {
  const tags = names.flatMap((name) => databaseNameParts(name)?.tag ?? []);
  const [noted, placed] = await Promise.all([needs.questions.tags(tags), needs.questions.placesOf(tags)]);
  for (const name of names) {
    const tag = databaseNameParts(name)?.tag;
    const life = tag && noted.get(tag);
    const place = tag && placed.get(tag);
    if (isTemplateName(name) || (place?.database === name && place.provider === provider)) continue;
    const tenantId = life?.tenantId ?? null;
    const kind = kindOf(life, place !== undefined);
    // It may have been destroyed since it was listed.
    if ((await isKept(needs.providers, { provider, database: name })) === false) continue;
    yield finding(kind, name, { provider, tenantId });
  }
}

function kindOf(life: { readonly retiredAt: string | null } | undefined, isPlaced: boolean) {
  if (!life) return "database_unknown";
  if (isPlaced) return "database_elsewhere";
  return life.retiredAt === null ? "database_unplaced" : "database_leftover";
}

const KINDS = {
  companion: "file_companion",
  half_made: "file_half_made",
  twice: "file_twice",
  unknown: "file_unknown",
} as const satisfies Record<Stray["kind"], Finding["kind"]>;

/** Files are looked at twice: between two looks at a directory one may be renamed. */
export async function* straysOf(needs: TenantCheckNeeds, provider: DatabaseProvider): AsyncIterable<Finding> {
  const { strays } = provider;
  if (!strays) return;
  const seen = new Set<string>();
  for await (const { name } of strays()) seen.add(name);
  if (seen.size === 0) return;
  for await (const stray of strays()) {
    if (seen.has(stray.name) && !(await isBeingMoved(needs, stray))) yield await strayFinding(needs, provider, stray);
  }
}

/** Putting a database away and back moves its parts one by one. */
async function isBeingMoved(needs: TenantCheckNeeds, { database }: Stray): Promise<boolean> {
  const tag = database && databaseNameParts(database)?.tag;
  const placement = tag ? await needs.registry.findByTag(tag) : null;
  const operation = placement && (await needs.journal.findUnfinished(placement.tenantId));
  return operation !== null && isUnderWay(needs, operation);
}

async function strayFinding({ questions }: TenantCheckNeeds, { name: provider }: DatabaseProvider, stray: Stray) {
  const { name, kind, database, isEmpty } = stray;
  const tag = database && databaseNameParts(database)?.tag;
  const life = tag ? await questions.tag(tag) : null;
  const isNobodys = isEmpty || (life !== null && life.retiredAt !== null);
  const detail = kind === "companion" && !isNobodys ? MAY_HOLD_DATA : null;
  return finding(KINDS[kind], name, { provider, tenantId: life?.tenantId ?? null, detail });
}

/** Said of a companion that is not removed. */
export const MAY_HOLD_DATA = "may_hold_data";
