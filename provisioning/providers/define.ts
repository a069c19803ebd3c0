import * as z from "zod";
import { PlatformError } from "../../src/domain/errors.ts";
import type { DatabaseProvider } from "./provider.ts";

/**
 * Names a provider, checks its options once, and hands the rest to its author. The function it returns throws
 * `invalid` (`provider_options`) with every problem by name; values are never repeated, they may be secret.
 */
export function defineProvider<S extends z.ZodType>(
  name: string,
  schema: S,
  build: (options: z.output<S>) => Omit<DatabaseProvider, "name">,
): (options: z.input<S>) => DatabaseProvider {
  return (options) => {
    const parsed = schema.safeParse(options);
    if (!parsed.success) {
      throw new PlatformError("invalid", "provider_options", `${name}: ${z.prettifyError(parsed.error)}`);
    }
    return { name, ...build(parsed.data) };
  };
}
