import { serve } from "@hono/node-server";

/** Where the program that was started with `fork` keeps its data. */
export const directory = process.argv[2] ?? "";

/** Serves on a free port of loopback, tells the parent which, and ends with it. */
export function serving(fetch: (request: Request) => Response | Promise<Response>): void {
  const server = serve({ fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => process.send?.(port));
  endWithParent(() => server.close());
}

export function endWithParent(close: () => void): void {
  process.once("disconnect", () => {
    close();
    process.exit();
  });
}
