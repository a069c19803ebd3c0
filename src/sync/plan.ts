import { type Content, hashOf, KIND_RULES, type Kind, type Permission } from "./kinds.ts";
import { labelOf, type Shared, type SharedEntity } from "./shared.ts";

/** A row of a child that is shared, or stands where a shared one belongs. */
export interface ChildRow {
  readonly id: string;
  readonly content: Content;
}

/** What a child has from the control plane, as its database says. */
export interface Link {
  readonly originId: string;
  readonly localId: string;
  readonly hash: string;
}

/** A child as it was read. */
export interface Child {
  readonly links: ReadonlyMap<Kind, readonly Link[]>;
  readonly rows: ReadonlyMap<Kind, readonly ChildRow[]>;
}

interface Step {
  readonly kind: Kind;
  readonly originId: string;
  readonly localId: string;
  readonly label: string;
}

/** What a child lacks, has otherwise, or has too much. */
export type Change = Step &
  (
    | { readonly action: "create" | "adopt"; readonly content: Content; readonly hash: string }
    | {
        readonly action: "update";
        readonly content: Content;
        readonly hash: string;
        /** Those that differ; none where only what is noted of the row does, or what hangs on it goes and comes back. */
        readonly fields: readonly string[];
      }
    | { readonly action: "remove" }
  );

/** A shared entity that a child cannot have as it is, because an entity of its own has that name or id. */
export type Collision = Step;

export interface Plan {
  readonly changes: readonly Change[];
  readonly collisions: readonly Collision[];
}

/** What makes a child equal to what is shared. Nothing is changed that is the child's own. */
export function planFor(shared: Shared, child: Child, onCollision: "keep" | "adopt" = "keep"): Plan {
  const plans = [...shared].map(([kind, entities]) => planKind(kind, entities, child, onCollision));
  const changes = plans.flatMap((plan) => plan.changes);
  const collisions = plans.flatMap((plan) => plan.collisions);
  return { changes: [...changes, ...regranted(changes, shared, child)], collisions };
}

/** One kind in one child, with everything looked up once. */
interface Scene {
  readonly kind: Kind;
  readonly entities: readonly SharedEntity[];
  readonly links: ReadonlyMap<string, Link>;
  readonly byId: ReadonlyMap<string, ChildRow>;
  readonly byLabel: ReadonlyMap<string, ChildRow>;
  /** Local ids of what came from the control plane, and from which origin. */
  readonly originOf: ReadonlyMap<string, string>;
  readonly onCollision: "keep" | "adopt";
}

function planKind(kind: Kind, entities: readonly SharedEntity[], child: Child, onCollision: "keep" | "adopt"): Plan {
  const scene = sceneOf(kind, entities, child, onCollision);
  const stuck = stuckIn(scene);
  const changes: Change[] = removalsIn(scene);
  const collisions: Collision[] = [];
  for (const entity of entities) {
    const row = rowOf(scene, entity);
    const { originId, label } = entity;
    if (stuck.has(originId)) {
      const localId = scene.byLabel.get(label)?.id ?? originId;
      collisions.push({ kind, originId, localId, label });
      if (row) changes.push(...differences(scene, entity, row, labelOf(kind, row.content)));
    } else if (row) changes.push(...differences(scene, entity, row, label));
    else changes.push(makingOf(scene, entity));
  }
  return { changes, collisions };
}

function sceneOf(kind: Kind, entities: readonly SharedEntity[], child: Child, onCollision: "keep" | "adopt"): Scene {
  const rows = child.rows.get(kind) ?? [];
  const links = child.links.get(kind) ?? [];
  const byId = new Map(rows.map((row) => [row.id, row]));
  return {
    kind,
    entities,
    links: new Map(links.map((link) => [link.originId, link])),
    byId,
    byLabel: new Map(rows.map((row) => [labelOf(kind, row.content), row])),
    originOf: originsOf(links, entities, byId),
    onCollision,
  };
}

/** A row that lost its link is known by its id, which is that of its origin, and by the mark that nobody else can set. */
function originsOf(links: readonly Link[], entities: readonly SharedEntity[], byId: Scene["byId"]) {
  const known = new Map(links.map(({ localId, originId }) => [localId, originId]));
  for (const { originId } of entities) {
    const isOurs = byId.get(originId)?.content.is_system === true;
    if (isOurs && !known.has(originId) && !links.some((link) => link.originId === originId && byId.has(link.localId))) {
      known.set(originId, originId);
    }
  }
  return known;
}

/** The row a child has of a shared entity. */
function rowOf({ links, byId, originOf }: Scene, { originId }: SharedEntity): ChildRow | undefined {
  const linked = byId.get(links.get(originId)?.localId ?? "");
  return linked ?? (originOf.get(originId) === originId ? byId.get(originId) : undefined);
}

/**
 * The origins whose name or id is another's in the child, and stays so. A shared one that is stuck keeps its old name,
 * and so may hold up the next: until nobody more is held up.
 */
function stuckIn(scene: Scene): ReadonlySet<string> {
  const stuck = new Set<string>();
  for (let before = -1; before < stuck.size; ) {
    before = stuck.size;
    for (const entity of scene.entities) if (isHeldUp(scene, entity, stuck)) stuck.add(entity.originId);
  }
  return stuck;
}

function isHeldUp(scene: Scene, entity: SharedEntity, stuck: ReadonlySet<string>): boolean {
  const row = rowOf(scene, entity);
  const holder = scene.byLabel.get(entity.label);
  if (holder && holder.id !== row?.id) {
    const origin = scene.originOf.get(holder.id);
    if (origin === undefined) return !(!row && isAdoptable(scene, entity, holder));
    if (stuck.has(origin)) return true;
  }
  // Its id would be its origin's, and is taken.
  return !row && scene.byId.has(entity.originId) && holder?.id !== entity.originId;
}

/** A connection of another strategy is another login. */
const isAdoptable = ({ kind, onCollision }: Scene, { content }: SharedEntity, holder: ChildRow) =>
  onCollision === "adopt" && (kind !== "connection" || holder.content.strategy === content.strategy);

function removalsIn({ kind, entities, links, byId }: Scene): Change[] {
  const wanted = new Set(entities.map(({ originId }) => originId));
  return [...links.values()]
    .filter(({ originId }) => !wanted.has(originId))
    .map(({ originId, localId }) => {
      const row = byId.get(localId);
      return { action: "remove", kind, originId, localId, label: row ? labelOf(kind, row.content) : "" };
    });
}

function differences(
  { kind, links }: Scene,
  { originId, content }: SharedEntity,
  row: ChildRow,
  label: string,
): Change[] {
  const wanted = { ...content, [KIND_RULES[kind].label]: label };
  const hash = hashOf(wanted);
  if (hashOf(row.content) === hash && links.get(originId)?.hash === hash) return [];
  const fields = Object.keys({ ...row.content, ...wanted }).filter(
    (field) => hashOf(row.content[field]) !== hashOf(wanted[field]),
  );
  return [{ action: "update", kind, originId, localId: row.id, label, content: wanted, hash, fields }];
}

function makingOf({ kind, byLabel, originOf }: Scene, { originId, label, content }: SharedEntity): Change {
  const step = { kind, originId, label, content, hash: hashOf(content) };
  const holder = byLabel.get(label);
  // Whoever holds it and came from the control plane gives it up in the same batch.
  if (holder && !originOf.has(holder.id)) return { action: "adopt", ...step, localId: holder.id };
  return { action: "create", ...step, localId: originId };
}

/** With an API go all permissions on it: roles that keep some on one that takes its place get them again. */
function regranted(changes: readonly Change[], shared: Shared, child: Child): Change[] {
  const gone = new Set(
    changes.filter(({ action, kind }) => action === "remove" && kind === "resource_server").map(({ label }) => label),
  );
  if (gone.size === 0) return [];
  const changing = new Set(changes.filter(({ kind }) => kind === "role").map(({ originId }) => originId));
  return (shared.get("role") ?? []).flatMap((role) => {
    const link = child.links.get("role")?.find(({ originId }) => originId === role.originId);
    const permissions = role.content.permissions as readonly Permission[];
    if (!link || changing.has(role.originId) || !permissions.some(([api]) => gone.has(api))) return [];
    const row = child.rows.get("role")?.find(({ id }) => id === link.localId);
    if (!row) return [];
    const { kind, originId, label } = role;
    // Equal until the API goes: the name may differ by a collision and stays.
    const { content } = row;
    return [{ action: "update", kind, originId, localId: row.id, label, content, hash: link.hash, fields: [] }];
  });
}
