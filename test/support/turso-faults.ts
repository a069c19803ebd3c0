import type { ServerResponse } from "node:http";

/** The calls of the Platform API that the double knows, and `data`: anything sent to a database itself. */
export type Call =
  | "create"
  | "get"
  | "delete"
  | "token"
  | "rotate"
  | "settings"
  | "configure"
  | "usage"
  | "list"
  | "group"
  | "data"
  // Nothing it knows, or nobody it knows.
  | "other";

/** What goes wrong: whether the call is carried out first, and what comes back. */
export interface Fault {
  readonly carriedOut: boolean;
  /** Nothing, an end of the connection, or an answer. */
  readonly answer: "hang" | "cut" | { readonly status: number; readonly body?: string; readonly retryAfter?: string };
}

const JSON_ERROR = JSON.stringify({ error: "something went wrong" });

/** Everything a network and a platform on the other side of it do to a caller. */
export const FAULTS = {
  "429 with Retry-After": {
    carriedOut: false,
    answer: { status: 429, body: JSON.stringify({ error: "too many requests" }), retryAfter: "2" },
  },
  "429 without a word": { carriedOut: false, answer: { status: 429 } },
  "a 500": { carriedOut: false, answer: { status: 500, body: JSON_ERROR } },
  "a 502 in HTML": { carriedOut: false, answer: { status: 502, body: "<html><h1>Bad gateway</h1></html>" } },
  "a 503 after it was carried out": { carriedOut: true, answer: { status: 503, body: JSON_ERROR } },
  "no answer": { carriedOut: false, answer: "hang" },
  "no answer after it was carried out": { carriedOut: true, answer: "hang" },
  "a cut connection": { carriedOut: false, answer: "cut" },
  "a cut connection after it was carried out": { carriedOut: true, answer: "cut" },
  "an empty success": { carriedOut: true, answer: { status: 200 } },
  "a success that says nothing": { carriedOut: true, answer: { status: 200, body: "{}" } },
} as const satisfies Record<string, Fault>;

/** Faults that are waiting for their call. */
export function createFaults() {
  const waiting: { call: Call; fault: Fault; times: number }[] = [];
  let met = 0;

  return {
    /** The next `times` calls of this name go wrong. */
    add(call: Call, fault: Fault, times = 1): void {
      waiting.push({ call, fault, times });
    },
    /** The world is well again. */
    clear(): void {
      waiting.length = 0;
      met = 0;
    },
    /** How many calls have gone wrong since `clear`. */
    met: () => met,
    take(call: Call): Fault | undefined {
      const found = waiting.find((entry) => entry.call === call && entry.times > 0);
      if (!found) return undefined;
      found.times -= 1;
      met += 1;
      return found.fault;
    },
  };
}

/** Answers as the fault says. */
export function spoil(response: ServerResponse, { answer }: Fault): void {
  if (answer === "hang") return;
  if (answer === "cut") {
    response.socket?.destroy();
    return;
  }
  response.writeHead(answer.status, answer.retryAfter === undefined ? {} : { "retry-after": answer.retryAfter });
  response.end(answer.body ?? "");
}
