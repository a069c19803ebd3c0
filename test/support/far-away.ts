import { once } from "node:events";
import { createServer, type IncomingMessage, request as requestOf, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { depthOf } from "../budget/meter.ts";

/** What a request cost of the way to servers that are far away. */
export interface Journey<T> {
  readonly answer: T;
  /** The longest chain of round trips in which each began only after the one before had ended. */
  readonly depth: number;
}

/** libSQL servers at the end of a long line: each round trip takes a while, and is counted. */
export interface FarAway {
  /** The same server, far away. */
  move(url: string): Promise<string>;
  /** Runs one request when nothing of an earlier one is on its way any more. */
  measure<T>(request: () => Promise<T>): Promise<Journey<T>>;
  stop(): Promise<void>;
}

/** What goes on behind an answer is over when nothing has been on its way for so long. */
const QUIET_MS = 150;

/** What a process asks by itself, whether anybody comes or not: it is not part of a request's way. */
const HOUSEKEEPING = /\brh_(?:changes|fleet_jobs|key_reserve|leases|operations|processes)\b|purge_at\\?" <=/;

/**
 * Puts `ms` on every round trip while it measures. Those that overlap count once in the depth: whoever asks for two
 * things at once asks for the second while the first is on its way. Beginnings and ends are numbered, not timed, and
 * whatever disturbs can only make a depth look larger: a bound that holds for the best of several walks holds.
 */
export function farAway(ms: number): FarAway {
  const servers: ReturnType<typeof createServer>[] = [];
  let isFar = false;
  let moment = 0;
  let trips: { readonly began: number; ended: number }[] = [];

  const travel = async (target: string, incoming: IncomingMessage, response: ServerResponse) => {
    const body = await bodyOf(incoming);
    const trip = { began: ++moment, ended: Number.POSITIVE_INFINITY };
    if (!HOUSEKEEPING.test(body.toString())) trips.push(trip);
    if (isFar) await sleep(ms);
    response.once("close", () => {
      trip.ended = ++moment;
    });
    await passOn(target, incoming, body, response);
  };

  const quiet = async () => {
    for (let seen = -1; seen !== moment; ) {
      seen = moment;
      await sleep(QUIET_MS);
    }
  };

  return {
    async move(target) {
      const server = createServer((incoming, response) => {
        travel(target, incoming, response).catch(() => response.destroy());
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      servers.push(server);
      const address = server.address();
      return `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
    },

    async measure(request) {
      await quiet();
      trips = [];
      isFar = true;
      const answer = await request();
      const answered = ++moment;
      isFar = false;
      return { answer, depth: depthOf(trips.filter(({ ended }) => ended < answered)) };
    },

    async stop() {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
        await once(server, "close");
      }
    },
  };
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function passOn(target: string, incoming: IncomingMessage, body: Buffer, response: ServerResponse) {
  const { method, url, headers } = incoming;
  const outgoing = requestOf(new URL(url ?? "/", target), { method, headers });
  outgoing.end(body);
  const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  answer.pipe(response);
}
