import type { CreateOptions, DataAdapters, ListParams } from "@authhero/adapter-interfaces";
import type { z } from "zod";
import { fieldsOf, fullValue } from "./samples-values.ts";

type Schema = z.core.$ZodType;

/** Members that keep no rows of their own, and why. */
const ROWLESS = {
  analytics: "counts what logs, sessions and refreshTokens keep",
  stats: "counts what logs keep",
  cache: "keeps nothing in the database",
  rateLimit: "counts attempts, and shows none of its rows",
  sessionCleanup: "deletes what others keep",
  transaction: "wraps the others",
  geo: "is not ours",
  emailService: "is not ours",
  smsService: "is not ours",
  multiTenancyConfig: "is no adapter",
} as const satisfies Partial<Record<keyof DataAdapters, string>>;

/** Every member of the contract that stores something, whether the contract makes it optional or not. */
export type Stored = Required<Omit<DataAdapters, keyof typeof ROWLESS>>;

/** One page of a list, whatever the contract calls its parts. */
export interface Page {
  readonly rows: readonly Row[];
  readonly next?: string | undefined;
  /** What it tells of where the page stands, in the contract's words. */
  readonly counters?: Row;
}

export type Row = Readonly<Record<string, unknown>>;

/** What sets a member apart from the others: the contract's tables, as far as one clause or the other needs them. */
interface Traits {
  /** Its rows belong to no tenant. */
  readonly global?: true;
  /** Fields that no two rows of a tenant may share, taken together. */
  readonly unique?: readonly (readonly string[])[];
  /** A tenant has one. */
  readonly single?: true;
  /** Creating what is there already adds to it or replaces it. */
  readonly merges?: true;
  /** Why it takes fields that it does not know. */
  readonly lenient?: string;
  /** What it is given is kept as it is, nulls included. */
  readonly verbatim?: true;
  /** Fields that are taken and never shown. */
  readonly hidden?: readonly string[];
  /** Fields that are shown although nobody gave them: made by the adapter, or always shown. */
  readonly adds?: readonly string[];
  /** Fields that are shown and never taken. */
  readonly computed?: readonly string[];
  /** Fields that `update` leaves alone, besides key, tenant and times. */
  readonly fixed?: readonly string[];
  /** Optional fields that cannot be nothing, and why. */
  readonly never?: Readonly<Record<string, string>>;
  /** Fields that a list may be sorted by; none: the caller's sort is ignored. Absent: it takes no parameters. */
  readonly sorts?: readonly string[];
  /** Fields that `q` may name. */
  readonly filters?: readonly string[];
  /** The order of its walk by checkpoint, if it has one. `strict`: another order is refused, not ignored. */
  readonly walk?: { readonly by: string; readonly strict?: true };
  /** It has pages by offset. `first`: how the first is numbered; `totals`: its family in the contract's section 1.3. */
  readonly pages?: { readonly first: number; readonly totals?: "A" | "B" | "C" | "D" | "E" | "F" | "G" | "H" | "I" };
  /** `create` takes `importMetadata`. `id`: its id becomes the row's key. */
  readonly imports?: { readonly id: boolean };
  /** What `get` answers when there is nothing, where it is not null. */
  readonly nothing?: unknown;
  /** What the writes answer when there is no such row, where it is not false; `throws` where they throw. */
  readonly missing?: { readonly update?: unknown; readonly remove?: unknown };
  /** Taking away what was taken away before is done, not wrong, as long as what it was taken from is there. */
  readonly removesAgain?: true;
}

/** One member as every clause sees it. A `row` is what was given to `create`, and over it what `create` answered. */
export interface Sample extends Traits {
  readonly insert: Schema;
  readonly read: Schema;
  readonly key?: string;
  /** The `n`-th complete value: no two share what must be unique. */
  value(n: number): object;
  create(data: Stored, tenant: string, value: object, options?: CreateOptions): Promise<unknown>;
  get?(data: Stored, tenant: string, row: Row): Promise<object | null>;
  list?(data: Stored, tenant: string, row: Row, params?: ListParams): Promise<Page>;
  update?(data: Stored, tenant: string, row: Row, patch: object): Promise<unknown>;
  remove?(data: Stored, tenant: string, row: Row): Promise<unknown>;
}

/** A list's answer as a page: an array as it is, else the member called `as`. */
export function pageOf(answer: object, as: string): Page {
  if (Array.isArray(answer)) return { rows: answer };
  // Tenants tell theirs twice: under a name, as the contract declares, and beside the rows, as servers read them.
  const { [as]: rows, totals, next, ...counters } = answer as Row;
  const { next: nested, ...told } = { ...(totals as Row | undefined), ...counters };
  return { rows: rows as Row[], next: (next ?? nested) as string | undefined, counters: told };
}

/** Rows each found by one key within a tenant. Methods, so that an adapter may ask for more than text. */
interface Collection<V> {
  create(tenant: string, value: V, options?: CreateOptions): Promise<object | undefined>;
  get?(tenant: string, id: string): Promise<object | null>;
  list?(tenant: string, params?: ListParams): Promise<object>;
  update?(tenant: string, id: string, patch: object): Promise<unknown>;
  remove?(tenant: string, id: string): Promise<unknown>;
}

type Part = keyof Collection<never>;

interface About<S extends Schema> extends Traits {
  readonly insert: S;
  readonly read: Schema;
  readonly key: string;
  /** What a list calls its rows. */
  readonly as?: string;
  /** Parts that the adapter has. */
  readonly has?: readonly Exclude<Part, "create">[];
  /** What generated values must say: references, formats that the schema does not tell. */
  own?(n: number): Partial<z.input<S>>;
}

/** The sample of a collection: `at` leads to its adapter. */
export function collection<S extends Schema>(
  at: (data: Stored) => Collection<z.input<S>>,
  { as = "", has = ["get", "list", "update", "remove"], own = () => ({}), ...about }: About<S>,
): Sample {
  const idOf = (row: Row) => String(row[about.key]);
  return {
    ...about,
    value: (n) => fullValue(about.insert, n, own(n)) as object,
    create: (data, tenant, value, options) => at(data).create(tenant, value as z.input<S>, options),
    ...(has.includes("get") && { get: async (data, tenant, row) => (await at(data).get?.(tenant, idOf(row))) ?? null }),
    ...(has.includes("list") && {
      list: async (data, tenant, _row, params) => pageOf((await at(data).list?.(tenant, params)) ?? [], as),
    }),
    ...(has.includes("update") && {
      update: (data, tenant, row, patch) => call(at(data).update?.(tenant, idOf(row), patch)),
    }),
    ...(has.includes("remove") && { remove: (data, tenant, row) => call(at(data).remove?.(tenant, idOf(row))) }),
  };
}

const call = (answer: Promise<unknown> | undefined) => answer ?? Promise.resolve(undefined);

/** A complete patch: every field that may change, with values other than `value(n)` has. */
export function patchOf(sample: Sample, n: number): Row {
  const fixed = [
    "tenant_id",
    "created_at",
    "updated_at",
    sample.key,
    ...(sample.fixed ?? []),
    ...(sample.computed ?? []),
  ];
  const full = { ...(fullValue(sample.read, n) as Row), ...sample.value(n) } as Row;
  const named = new Set([...fieldsOf(sample.read), ...fieldsOf(sample.insert)]);
  return Object.fromEntries(
    Object.entries(full).filter(
      ([field]) => named.has(field) && !fixed.includes(field) && !sample.hidden?.includes(field),
    ),
  );
}
