import * as z from "zod";
import { PlatformError } from "./errors.ts";

/** An option that is called. */
export const callable = () => z.custom<object>((value) => typeof value === "function", "must be a function");

/** An option that is an object with these methods, whoever made it. */
export const having = (what: string, ...members: readonly string[]) =>
  z.custom<object>(
    (value) => typeof value === "object" && value !== null && members.every((member) => member in value),
    `must be ${what}`,
  );

/**
 * Refuses what a caller of the library got wrong, everything at once and by the option's name: `invalid`
 * (`invalid_options`). An option that nobody reads would be believed to work, so unknown ones are refused too. Values
 * are never repeated: they may be secret.
 */
export function requireOptions(caller: string, schema: z.ZodType, options: unknown): void {
  const { error } = schema.safeParse(options);
  if (error) refuseOptions(caller, error.issues.flatMap(problemsOf));
}

/** The same refusal for what only shows with all options at hand. */
export function refuseOptions(caller: string, problems: readonly string[]): never {
  throw new PlatformError("invalid", "invalid_options", `${caller}: ${problems.join("; ")}`);
}

function problemsOf(issue: z.core.$ZodIssue): string[] {
  const named = (...more: readonly string[]) => [...issue.path.map(String), ...more].join(".") || "options";
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => `${named(key)} is not an option; remove it`);
  const isMissing = issue.code === "invalid_type" && "input" in issue && issue.input === undefined;
  return [`${named()}: ${isMissing ? "is missing" : issue.message}`];
}
