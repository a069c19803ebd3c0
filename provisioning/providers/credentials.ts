import type { AskLocation } from "./provider.ts";

/**
 * The secret that an open database is spoken to with. Once the database has refused it, `current` is asked, by one caller
 * for all, what it is by now: somebody else may have rotated it.
 */
export function createCredentials(first: string | undefined, current: AskLocation | undefined) {
  let secret = first;
  let asking: Promise<void> | undefined;

  const ask = async (): Promise<void> => {
    try {
      secret = (await current?.())?.secret ?? secret;
    } catch {
      // Nobody knows better: the refusal stands.
    } finally {
      asking = undefined;
    }
  };

  return {
    secret: () => secret,

    /** Called before a request; what it returns says, of a refused one, whether there is another secret than it had. */
    renewing() {
      const used = secret;
      return async (): Promise<boolean> => {
        if (secret === used) {
          asking ??= ask();
          await asking;
        }
        return secret !== used;
      };
    },
  };
}
