import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { Listening } from "../config/values.ts";
import type { AnsweredAtOnce, Asked } from "./front/published.ts";

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

/** Who answers. */
export interface Answering {
  fetch(request: Request, env?: object): Response | Promise<Response>;
  /** Asked first, on Node's own objects: a `Request` and a `Response` take longer than such an answer. Null: `fetch` is. */
  atOnce?(asked: Asked): AnsweredAtOnce | null;
}

/** Serves requests at an address. Throws what Node says when it cannot be had. */
export async function listen({ fetch, atOnce }: Answering, { host, port }: Listening): Promise<Listener> {
  const passOn = getRequestListener(fetch);
  const server = createServer({ maxHeaderSize: HEADERS_MAX }, (request, response) => {
    const asked = atOnce && askedBy(request);
    const answered = asked ? atOnce(asked) : null;
    if (answered) send(response, answered);
    else void passOn(request, response);
  });
  const underWay = new Set<ServerResponse>();
  let isStopping = false;
  server.prependListener("request", (_request, response: ServerResponse) => {
    underWay.add(response);
    if (isStopping) response.shouldKeepAlive = false;
    response.once("close", () => {
      underWay.delete(response);
      // An answer that had begun before the stop leaves a connection behind that waits for more.
      if (isStopping) setImmediate(() => server.closeIdleConnections());
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

/** Null for what comes with a body. A host that is named twice is none: Node would show the first only. */
function askedBy({ method = "", url = "", headers, rawHeaders }: IncomingMessage): Asked | null {
  if (headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined) return null;
  const isOneHost = () => rawHeaders.filter((text, at) => at % 2 === 0 && text.toLowerCase() === "host").length === 1;
  return {
    method,
    path: url,
    header: (name) => (name === "host" && !isOneHost() ? null : (headers[name]?.toString() ?? null)),
  };
}

function send(response: ServerResponse, { status, headers, body }: AnsweredAtOnce): void {
  if (body === null) response.writeHead(status, headers).end();
  else response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) }).end(body);
}
