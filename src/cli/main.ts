#!/usr/bin/env node
import { run } from "./program.ts";

// Who reads only the first lines, as `head` does, has what it wanted.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

// Not process.exit: what was printed has to get through the pipe.
process.exitCode = await run(process.argv.slice(2), process);
