import { once } from "node:events";
import type { Server } from "node:http";
import { serve } from "@hono/node-server";
import type { RowhouseOptions } from "../../src/wiring/rowhouse.ts";
import { openInProcess } from "./in-process.ts";
import { freePort } from "./program.ts";

/** A Rowhouse in this process behind a real socket: for clients of all kinds, where the test hands in the clock. */
export async function openOnLoopback(
  variables: Readonly<Record<string, string>>,
  options: Partial<Omit<RowhouseOptions, "config">>,
) {
  const port = await freePort();
  const house = await openInProcess({ ...variables, PORT: String(port) }, options);
  const server = serve({ fetch: house.fetch, hostname: "127.0.0.1", port }) as Server;
  await once(server, "listening");
  return {
    ...{ port, issuer: house.issuer, directory: house.directory },
    ...{ clientId: house.login.clientId, clientSecret: house.login.clientSecret },
    async close(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      await house.close();
    },
  };
}
