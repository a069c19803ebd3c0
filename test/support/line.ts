import { once } from "node:events";
import { createServer, type IncomingMessage, request as requestOf, type ServerResponse } from "node:http";

/**
 * How a database is ill: it takes requests and never answers; answers only when it is well again; or the connection
 * ends, before the request was carried out or after.
 */
export type Illness = "silent" | "slow" | "cut" | "cut after it was carried out";

/** A line to a libSQL server on which single namespaces can be ill. */
export interface Line {
  readonly url: string;
  /** From now on requests for this namespace go wrong. */
  infect(namespace: string, illness: Illness): void;
  isIll(namespace: string): boolean;
  /** All are well again, and whoever was still waiting is let go as its illness says. */
  heal(): void;
  /** How many requests of the ill are waiting for an answer now. */
  held(): number;
  /** How many requests met an illness since the last `infect`. */
  met(): number;
  stop(): Promise<void>;
}

/** Starts a proxy on loopback before a server that is told its namespace in the header `x-namespace-bin`. */
export async function startLine(target: string): Promise<Line> {
  const ill = new Map<string, Illness>();
  const waiting = new Set<() => void>();
  let met = 0;

  const wait = (response: ServerResponse) =>
    new Promise<void>((resolve) => {
      const over = () => {
        waiting.delete(over);
        resolve();
      };
      waiting.add(over);
      response.once("close", over);
    });

  const suffer = async (illness: Illness, incoming: IncomingMessage, response: ServerResponse) => {
    met += 1;
    if (illness === "silent" || illness === "slow") await wait(response);
    if (illness === "slow") return forward(target, incoming, response);
    if (illness === "cut after it was carried out") await forward(target, incoming);
    response.destroy();
  };

  const server = createServer((incoming, response) => {
    const illness = ill.get(namespaceOf(incoming.headers["x-namespace-bin"]));
    const work = illness ? suffer(illness, incoming, response) : forward(target, incoming, response);
    // Whoever has gone meanwhile needs no answer.
    work.catch(() => response.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();

  const heal = () => {
    ill.clear();
    for (const over of waiting) over();
  };
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`,
    infect(namespace, illness) {
      ill.set(namespace, illness);
      met = 0;
    },
    isIll: (namespace) => ill.has(namespace),
    heal,
    held: () => waiting.size,
    met: () => met,
    async stop() {
      heal();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** The namespace that a request names in its header `x-namespace-bin`. */
export const namespaceOf = (header: string | readonly string[] | null = "") =>
  Buffer.from(String(header ?? ""), "base64").toString();

/** Hands a request on, and its answer back to whoever wants it. */
async function forward(target: string, incoming: IncomingMessage, response?: ServerResponse): Promise<void> {
  const { method, url, headers } = incoming;
  const outgoing = requestOf(new URL(url ?? "/", target), { method, headers });
  incoming.pipe(outgoing);
  const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
  if (!response) {
    answer.resume();
    await once(answer, "end");
    return;
  }
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  answer.pipe(response);
}
