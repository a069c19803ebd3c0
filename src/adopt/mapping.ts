import * as z from "zod";
import type { Row } from "../entities/entity.ts";
import type { Findings } from "./findings.ts";
import type { Kind, Values } from "./kinds.ts";

/**
 * What a row of the source is in the contract's words, or null where there is nothing to write. What has no place is
 * noted as left behind, what the contract does not allow as a hindrance.
 */
export function mapRow(kind: Kind, row: Row, findings: Findings): Values | null {
  const values = fieldsIn(kind, row, findings);
  const aside = kind.aside?.(values) ?? null;
  if (aside !== null) {
    findings.leaves(`${kind.name}: ${keyOf(kind, values)}`, aside);
    return null;
  }
  const made = kind.made ? kind.made(values) : values;
  if (made) check(kind, made, findings);
  const meaning = made && kind.means?.(made);
  if (meaning) findings.means(...meaning);
  return made;
}

function fieldsIn(kind: Kind, row: Row, findings: Findings): Values {
  const values: Record<string, unknown> = { ...(kind.into.kind && { kind: kind.into.kind }) };
  for (const [column, value] of Object.entries(row)) {
    if (column === "tenant_id" || value === null || value === undefined) continue;
    const path = pathOf(kind, column);
    const [field = ""] = path;
    if (field === "is_system") noteSystem(kind, value, findings);
    else if (Object.hasOwn(kind.into.columns, field)) place(values, path, fitting(kind.schema, path, value));
    else if (field !== "" && !isEmpty(value)) {
      findings.leaves(`${kind.from}.${column}`, "there is no such field here");
    }
  }
  return values;
}

/** Where a column's value goes; nowhere for one that another kind takes, and for times that are not kept here. */
function pathOf(kind: Kind, column: string): readonly string[] {
  const path = kind.path?.(column);
  if (path !== undefined) return path ?? [];
  const field = column.replace(/_ts$/, "");
  return TIMES.includes(field) && !Object.hasOwn(kind.into.columns, field) ? [] : [field];
}

/** Not every kind keeps them here. */
const TIMES = ["created_at", "updated_at"];

/** Whose system they were, does not come along: here nobody could change them any more. */
function noteSystem(kind: Kind, value: unknown, findings: Findings): void {
  if (value) findings.means(`${kind.from}.is_system`, "what the old control plane shared is the tenant's own here");
}

/** The names of a row's key, for people. */
export const keyOf = (kind: Kind, values: Values): string =>
  kind.into.key
    .filter((name) => name !== "kind")
    .map((name) => String(values[name]))
    .join(" ");

/** What SQLite has no type for says nothing when it is empty. */
const isEmpty = (value: unknown) => value === 0 || value === "" || value === "{}" || value === "[]";

function check(kind: Kind, values: Values, findings: Findings): void {
  const { error } = kind.schema.safeParse(values);
  if (!error) return;
  const problems = problemsOf(error.issues).join("; ");
  findings.hinders({ of: kind.name, key: keyOf(kind, values), message: problems });
}

/** By the names of fields; a value is never shown. Of a union only what is wrong with the nearest of its members. */
function problemsOf(issues: readonly z.core.$ZodIssue[]): string[] {
  return issues.flatMap((issue) => {
    if (issue.code === "invalid_union" && issue.errors.length > 0) {
      const [nearest = []] = issue.errors.toSorted((a, b) => a.length - b.length);
      return problemsOf(nearest);
    }
    return [`${issue.path.join(".") || "the row"}: ${issue.message}`];
  });
}

function place(values: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [field = "", ...inner] = path;
  if (inner.length === 0) {
    values[field] = value;
    return;
  }
  const object = { ...(values[field] as Record<string, unknown> | undefined) };
  place(object, inner, value);
  values[field] = object;
}

const INSTANT = /_(?:at|since|until)$/;

/**
 * A column's value as the field wants it: SQLite keeps flags as numbers and objects as text. Where nothing fits it
 * stays as it is, and the contract says what is wrong.
 */
function fitting(schema: z.ZodType, path: readonly string[], value: unknown): unknown {
  if (INSTANT.test(path[0] ?? "")) return instant(value);
  const fields = path.reduce<readonly z.ZodType[]>(
    (found, name) => found.flatMap((each) => fieldsOf(each, name)),
    [schema],
  );
  const candidates = [...parsed(value), value, ...(value === 0 || value === 1 ? [value === 1] : [])];
  return candidates.find((candidate) => fields.some((field) => field.safeParse(candidate).success)) ?? value;
}

/** Times are ISO 8601 to the millisecond here, also those that were kept as numbers or in another form. */
function instant(value: unknown): unknown {
  const date = new Date(typeof value === "string" && /^\d+$/.test(value) ? Number(value) : (value as string | number));
  return Number.isNaN(date.getTime()) ? value : date.toISOString();
}

function parsed(value: unknown): unknown[] {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return [];
  try {
    return [JSON.parse(value)];
  } catch {
    return [];
  }
}

/** The schemas of a field: several in a union, none where the schema does not say. */
function fieldsOf(schema: z.ZodType, name: string): readonly z.ZodType[] {
  if (schema instanceof z.ZodObject) {
    const field: unknown = schema.shape[name];
    return field instanceof z.ZodType ? [field] : [];
  }
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => fieldsOf(option as z.ZodType, name));
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault) {
    return fieldsOf(schema.unwrap() as z.ZodType, name);
  }
  return [];
}
