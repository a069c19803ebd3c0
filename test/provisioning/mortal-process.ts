import { type Address, streetAt } from "./sites.ts";
import type { SteppedVerb } from "./steps.ts";
import { openStreet } from "./street.ts";

/** What a process for the tests is told, as JSON in its one argument. */
export type Errand = { readonly address: Address } & (
  | { readonly verb: SteppedVerb; readonly deaths: readonly Death[] }
  | { readonly verb: "race"; readonly directory: string; readonly count: number }
);

/** A moment in an operation on a street, in which the process dies as a machine does. */
export interface Death {
  readonly directory: string;
  readonly step: string;
  readonly moment: "before" | "after";
}

const errand = JSON.parse(process.argv[2] ?? "") as Errand;
if (errand.verb === "race") await race(errand);
else await die(errand, errand.verb);

/** One process dies for many streets at once: in each the operation has come to its moment and stands still. */
async function die({ address, deaths }: Errand & { deaths: readonly Death[] }, verb: SteppedVerb): Promise<void> {
  let underWay = deaths.length;
  const stand = (): Promise<never> => {
    underWay -= 1;
    // Nothing is closed, flushed or caught.
    if (underWay === 0) process.kill(process.pid, "SIGKILL");
    return new Promise(() => {});
  };

  await Promise.all(
    deaths.map(async ({ directory, step, moment }) => {
      const street = await openStreet({
        ...streetAt(address),
        directory,
        around: async (name, run) => {
          if (name === step && moment === "before") await stand();
          await run();
          if (name === step && moment === "after") await stand();
        },
      });
      await street[verb]("acme");
      throw new Error(`${verb} ended without coming to ${moment} ${step}`);
    }),
  );
}

/** Tries to create one tenant `count` times at once, when told to. */
async function race({ address, directory, count }: Errand & { verb: "race" }): Promise<void> {
  const street = await openStreet({ ...streetAt(address), directory });
  process.send?.("ready");
  await new Promise((resolve) => process.once("message", resolve));
  const outcomes = await Promise.all(
    Array.from({ length: count }, () =>
      street.create("acme").then(
        () => "created",
        (error: unknown) => (error instanceof Error && "reason" in error ? String(error.reason) : String(error)),
      ),
    ),
  );
  process.send?.(outcomes);
  await street.close();
  process.disconnect();
}
