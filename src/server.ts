import { PlatformError } from "./domain/errors.ts";
import { runService } from "./wiring/serve.ts";

/** What went wrong, for the person at the terminal: a message where we have one, never a stack of our own errors. */
function fail(error: unknown): never {
  const text = error instanceof PlatformError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

/** `npm start`. */
runService().catch(fail);
