import { isDeepStrictEqual } from "node:util";
import { sql } from "kysely";
import { PlatformError } from "../domain/errors.ts";
import { decodeRow, encodeRow, placeOf, type Row, storedColumns } from "../entities/entity.ts";
import type { Store } from "../entities/store.ts";
import type { Findings } from "./findings.ts";
import { createFindings } from "./findings.ts";
import { KINDS, type Kind, type Values } from "./kinds.ts";
import { keyOf, mapRow } from "./mapping.ts";
import type { Source } from "./source.ts";

/** A tenant's rows, from where to where. */
export interface Copying {
  readonly source: Source;
  readonly store: Store;
  readonly tenantId: string;
  /** Called with clients before they are written. */
  readonly clientsComing?: (ids: readonly string[]) => Promise<void>;
}

/** The kinds that a source has. */
const kindsIn = ({ tables }: Source): readonly Kind[] => KINDS.filter(({ from }) => tables.has(from));

/**
 * Copies everything a tenant has. What is there already stays, so that a copy that was interrupted goes on; then every
 * row is compared, and what came from an earlier state of the source is copied anew.
 * Throws `conflict` (`adoption_hindered`) for what the contract does not allow, and (`adoption_differs`) when the source
 * changes all the time.
 */
export async function copyTenant(copying: Copying): Promise<void> {
  for (const kind of kindsIn(copying.source)) {
    const findings = createFindings();
    await copyKind(copying, kind, findings);
    if (findings.hindrances.length === 0 && !(await isCopied(copying, kind))) {
      await clear(copying, kind);
      await copyKind(copying, kind, findings);
      if (!(await isCopied(copying, kind))) throw differs(kind);
    }
    const [first] = findings.hindrances;
    if (first) {
      const message = `${first.of} ${first.key ?? ""}: ${first.message}`;
      throw new PlatformError("conflict", "adoption_hindered", message);
    }
  }
}

/** Copies into a database that is thrown away, and notes whatever stands in the way, row by row. */
export async function rehearse(copying: Copying, findings: Findings): Promise<void> {
  for (const kind of kindsIn(copying.source)) await copyKind(copying, kind, findings);
}

async function copyKind(copying: Copying, kind: Kind, findings: Findings): Promise<void> {
  const { source, store, tenantId, clientsComing } = copying;
  for await (const rows of source.pages(kind.from, tenantId)) {
    const values = mapped(kind, rows, findings);
    if (kind.from === "clients") await clientsComing?.(values.map(({ client_id }) => String(client_id)));
    const inserts = values.map((each) => ({ each, statement: insertOf(copying, kind, each) }));
    await store.batch(inserts.map(({ statement }) => statement)).catch(async (error: unknown) => {
      if (!isOfRow(error)) throw error;
      // Which row it was the batch does not say.
      for (const { each, statement } of inserts) await alone(statement, kind, each, findings);
    });
    findings.taken(kind.name, values.length);
  }
}

const mapped = (kind: Kind, rows: readonly Row[], findings: Findings): readonly Values[] =>
  rows.map((row) => mapRow(kind, row, findings)).filter((values) => values !== null);

function insertOf({ store, tenantId }: Copying, kind: Kind, values: Values) {
  const { into } = kind;
  const row = encodeRow(into, values, placeOf(into, tenantId, store.keyRing));
  return (
    store.db
      .insertInto(into.table)
      .values({ tenant_id: tenantId, ...row })
      // Only the same row may be there already: another one with the same name is a hindrance.
      .onConflict((conflict) => conflict.columns(["tenant_id", ...into.key]).doNothing())
  );
}

type Insert = ReturnType<typeof insertOf>;

async function alone(statement: Insert, kind: Kind, values: Values, findings: Findings): Promise<void> {
  try {
    await statement.execute();
  } catch (error) {
    if (!isOfRow(error)) throw error;
    findings.hinders({ of: kind.name, key: keyOf(kind, values), message: error.message });
  }
}

/** Whether the row is to blame, and not the database. */
const isOfRow = (error: unknown): error is PlatformError =>
  error instanceof PlatformError && (error.code === "conflict" || error.reason === "constraint_violation");

/** Whether every row of the source is there as it is there, and none besides. */
async function isCopied(copying: Copying, kind: Kind): Promise<boolean> {
  const { source, tenantId } = copying;
  let expected = 0;
  for await (const rows of source.pages(kind.from, tenantId)) {
    const values = mapped(kind, rows, createFindings());
    expected += values.length;
    const stored = await storedLike(copying, kind, values);
    if (!values.every((each) => isSame(each, stored.get(keyOf(kind, each))))) return false;
  }
  const { count } = await rowsOf(copying, kind).select(sql<number>`count(*)`.as("count")).executeTakeFirstOrThrow();
  return Number(count) === expected;
}

async function storedLike(copying: Copying, kind: Kind, values: readonly Values[]): Promise<Map<string, Values>> {
  const { into } = kind;
  const { store, tenantId } = copying;
  const [first = ""] = into.key;
  if (values.length === 0) return new Map();
  const rows: Row[] = await rowsOf(copying, kind)
    .select(storedColumns(into))
    .where(first, "in", [...new Set(values.map((each) => each[first]))])
    .execute();
  const place = placeOf(into, tenantId, store.keyRing);
  return new Map(
    rows.map((row) => {
      // Without what readers get for a field that holds nothing.
      const stored = decodeRow<Values>({ table: into.table, columns: into.columns }, row, place);
      return [keyOf(kind, stored), stored];
    }),
  );
}

/** As JSON, which is what there is of both. */
const isSame = (values: Values, stored: Values | undefined) =>
  stored !== undefined && isDeepStrictEqual(JSON.parse(JSON.stringify(values)), JSON.parse(JSON.stringify(stored)));

async function clear({ store, tenantId }: Copying, { into }: Kind): Promise<void> {
  const rows = store.db.deleteFrom(into.table).where("tenant_id", "=", tenantId);
  await (into.kind === undefined ? rows : rows.where("kind", "=", into.kind)).execute();
}

function rowsOf({ store, tenantId }: Copying, { into }: Kind) {
  const rows = store.db.selectFrom(into.table).where("tenant_id", "=", tenantId);
  return into.kind === undefined ? rows : rows.where("kind", "=", into.kind);
}

const differs = (kind: Kind) =>
  new PlatformError(
    "conflict",
    "adoption_differs",
    `${kind.name} have changed while they were copied: end the old server, then run this again`,
  );
