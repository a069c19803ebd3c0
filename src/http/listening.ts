import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import type { Listening } from "../config/values.ts";

/**
 * Bytes of a request's headers. A token with every scope of the Management API takes 16 KB, as much as Node lets all of them
 * have by itself.
 */
const HEADERS_MAX = 32_768;

export interface Listener {
  /**
   * Takes no new connection, and no further request on an old one: what is under way is answered whole, with
   * `Connection: close`. Settles when the last connection has ended.
   */
  stop(): Promise<void>;
}

type Fetch = (request: Request, env?: object) => Response | Promise<Response>;

/** Serves requests at an address. Throws what Node says when it cannot be had. */
export async function listen(fetch: Fetch, { host, port }: Listening): Promise<Listener> {
  const server = createAdaptorServer({ fetch, serverOptions: { maxHeaderSize: HEADERS_MAX } });
  const underWay = new Set<ServerResponse>();
  let isStopping = false;
  server.prependListener("request", (_request, response: ServerResponse) => {
    underWay.add(response);
    if (isStopping) response.shouldKeepAlive = false;
    response.once("close", () => {
      underWay.delete(response);
      // An answer that had begun before the stop leaves a connection behind that waits for more.
      if (isStopping && "closeIdleConnections" in server) setImmediate(() => server.closeIdleConnections());
    });
  });
  server.listen(port, host);
  await once(server, "listening");

  return {
    async stop() {
      isStopping = true;
      for (const response of underWay) response.shouldKeepAlive = false;
      const closed = once(server, "close");
      // Idle connections with it.
      server.close();
      await closed;
    },
  };
}
