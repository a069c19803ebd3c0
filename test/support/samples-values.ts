import type { z } from "zod";

type Schema = z.core.$ZodType;

/** A union's members go deeper than this only where a schema contains itself. */
const DEPTH_MAX = 8;

/** What databases, JSON and hand-made SQL get wrong. */
const ODD = `ünï 漢字 🙂 'a' "b" \\ %_;--`;

/** Keys that a path in SQL could trip over; a key called `null` and one that holds null. */
const ANYTHING = { "a.b $[0]": [1, null, { deep: ODD }], null: null, empty: {}, none: [], zero: 0, no: false };

/** Fields that hold instants although their schema says only "string". */
const INSTANT = /(?:_at|_until|_since|_last_used|_login|_reset|^date|^timestamp)$/;

/** `2031-01-01`, and a day and a millisecond more for each `n`. */
export const instant = (n: number) => new Date(Date.UTC(2031, 0, 1 + n) + n).toISOString();

/**
 * The `n`-th complete value of a schema: every optional field present, however deep; one element of every member of a
 * union in a list of them; text outside of ASCII. For an odd `n` what is nullable inside of a field is null, and other
 * choices are taken. The type is what a caller may pass.
 */
export function fullValue<S extends Schema>(schema: S, n: number, own: Partial<z.input<S>> = {}): z.input<S> {
  const value = sampleOf(schema, { n, field: "", depth: 0 });
  return { ...(value as object), ...own } as z.input<S>;
}

/** The fields of an object's schema, those of all members where it is a union. */
export function fieldsOf(schema: Schema): string[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === "object") return Object.keys(def.shape);
  if (def.type === "union") return [...new Set(def.options.flatMap(fieldsOf))];
  return [];
}

/** The fields that may hold nothing: those a caller need not give, and those that may be null. */
export function optionalFieldsOf(schema: Schema): string[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === "union") return [...new Set(def.options.flatMap((option) => optionalFieldsOf(option as Schema)))];
  if (def.type !== "object") return [];
  return Object.keys(def.shape).filter((field) =>
    OPTIONAL.includes((def.shape[field] as z.core.$ZodTypes)._zod.def.type),
  );
}

const OPTIONAL = ["optional", "nullable", "default", "prefault", "catch"];

interface Path {
  readonly n: number;
  readonly field: string;
  readonly depth: number;
}

function sampleOf(schema: Schema, path: Path): unknown {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "object":
      return objectOf(def.shape, path);
    case "array":
      return elementsOf(def.element as Schema, deeper(path));
    case "record":
      return { [`key ${ODD}`]: sampleOf(def.valueType as Schema, deeper(path)) };
    case "union":
      return sampleOf(pick(def.options as readonly Schema[], path.n), path);
    case "optional":
    case "default":
    case "prefault":
    case "nonoptional":
    case "readonly":
    case "catch":
      return sampleOf(def.innerType as Schema, path);
    case "nullable":
      // At the top a null is a field that is not there; inside of one it is a value.
      return path.depth > 1 && path.n % 2 === 1 ? null : sampleOf(def.innerType as Schema, path);
    case "lazy":
      return sampleOf(def.getter() as Schema, deeper(path));
    case "pipe":
      return sampleOf((isTransform(def.in as Schema) ? def.out : def.in) as Schema, path);
    default:
      return plainOf(schema as z.core.$ZodTypes, path);
  }
}

function plainOf(schema: z.core.$ZodTypes, { n, field }: Path): unknown {
  const { def } = schema._zod;
  switch (def.type) {
    case "string":
      return textOf(schema as z.core.$ZodString, n, field);
    case "number":
      return numberOf(schema as z.core.$ZodNumber, n);
    case "boolean":
      return n % 2 === 0;
    case "enum":
      return pick(Object.values(def.entries), n);
    case "literal":
      return def.values[0];
    case "null":
      return null;
    case "any":
    case "unknown":
      return { ...ANYTHING, n };
    default:
      throw new Error(`No sample of ${def.type} at ${field}: teach samples-values.ts about it`);
  }
}

const isTransform = (schema: Schema) => (schema as z.core.$ZodTypes)._zod.def.type === "transform";

const deeper = (path: Path): Path => ({ ...path, depth: path.depth + 1 });

function pick<T>(values: readonly T[], n: number): T {
  const value = values[n % values.length];
  if (value === undefined) throw new Error("There is nothing to choose from");
  return value;
}

function objectOf(shape: Readonly<Record<string, Schema>>, path: Path): object {
  const fields = Object.entries(shape).filter(
    ([, schema]) => path.depth < DEPTH_MAX || !OPTIONAL.includes((schema as z.core.$ZodTypes)._zod.def.type),
  );
  return Object.fromEntries(fields.map(([field, schema]) => [field, sampleOf(schema, { ...deeper(path), field })]));
}

function elementsOf(element: Schema, path: Path): unknown[] {
  if (path.depth > DEPTH_MAX) return [];
  const { def } = (element as z.core.$ZodTypes)._zod;
  if (def.type === "union") return def.options.map((option) => sampleOf(option as Schema, path));
  return [sampleOf(element, path), sampleOf(element, { ...path, n: path.n + 1 })];
}

function textOf(schema: z.core.$ZodString, n: number, field: string): string {
  const { format, minimum = 0, maximum = Number.POSITIVE_INFINITY, length } = rulesOf(schema);
  if (format === "email") return `${field.replaceAll("_", "-")}-${n}@example.com`;
  if (format === "url") return `https://example.com/${field}/${n}?a=b&c=%20#d`;
  if (format === "datetime" || INSTANT.test(field)) return instant(n);
  return `${field} ${n} ${ODD}`.padEnd(length ?? minimum, ".").slice(0, length ?? maximum);
}

function numberOf(schema: z.core.$ZodNumber, n: number): number {
  const { above = Number.NEGATIVE_INFINITY, below = Number.POSITIVE_INFINITY } = rulesOf(schema);
  // Beyond the length of every sample of text: some numbers limit texts beside them.
  return Math.min(Math.max(n + 100, above), below);
}

interface Rules {
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly length?: number;
  readonly above?: number;
  readonly below?: number;
}

/** What a schema demands besides its type, as far as samples obey it. A sample's own fields see to the rest. */
function rulesOf(schema: z.core.$ZodString | z.core.$ZodNumber): Rules {
  const rules = (schema._zod.def.checks ?? []).map((check): Rules => {
    const { def } = (check as z.core.$ZodChecks)._zod;
    switch (def.check) {
      case "min_length":
        return { minimum: def.minimum };
      case "max_length":
        return { maximum: def.maximum };
      case "length_equals":
        return { length: def.length };
      case "greater_than":
        return { above: Number(def.value) + (def.inclusive ? 0 : 1) };
      case "less_than":
        return { below: Number(def.value) - (def.inclusive ? 0 : 1) };
      case "string_format":
        return { format: def.format };
      default:
        return {};
    }
  });
  const { format } = schema._zod.def as { format?: string };
  return Object.assign({ ...(format && { format }) }, ...rules);
}
