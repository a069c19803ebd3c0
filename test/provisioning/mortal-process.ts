import { openStreet } from "./street.ts";

/**
 * A process for the tests, on a street of theirs:
 * `mortal-process.ts <directory> <verb> <step> before|after` dies before or after a step, as a machine does;
 * `mortal-process.ts <directory> race <count>` tries to create one tenant so many times at once, when told to.
 */
const [directory = "", verb = "", argument = "", moment = ""] = process.argv.slice(2);

/** Nothing is closed, flushed or caught. */
function die(): Promise<never> {
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => {});
}

const street = await openStreet({
  directory,
  around: async (step, run) => {
    if (step === argument && moment === "before") await die();
    await run();
    if (step === argument && moment === "after") await die();
  },
});

async function race(): Promise<void> {
  process.send?.("ready");
  await new Promise((resolve) => process.once("message", resolve));
  const outcomes = await Promise.all(
    Array.from({ length: Number(argument) }, () =>
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

switch (verb) {
  case "create":
    await street.create("acme");
    break;
  case "remove":
    await street.remove("acme");
    break;
  case "undelete":
    await street.undelete("acme");
    break;
  case "purge":
    await street.purge("acme");
    break;
  case "race":
    await race();
    break;
}
