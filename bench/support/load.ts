import autocannon from "autocannon";
import { type Answer, type Ask, cookiesOf, wireOf } from "./ask.ts";

/** As many in every case over HTTP, for whoever is measured. */
export const CONNECTIONS = 32;

/**
 * The whole of `npm run bench` has to end within 15 minutes. Some 25 sides are measured in five rounds each: a second more
 * here is two minutes there.
 */
const ROUND_SECONDS = 1.2;
const WARM_UP_ANSWERS = 250;

/** Measures a round: units per second. */
export type Round = () => Promise<number>;

/** What to ask, and how it must be answered. Who asks for many things takes them in turn. */
export interface Load {
  readonly asks: readonly Ask[];
  readonly status: number;
}

/**
 * Rounds of requests that may be repeated. What is compiled or cached at the first time is there before, and as many are
 * sent in a round as take about its time: a round that ends by the clock may end without an answer on a busy machine.
 */
export async function steadily({ asks, status }: Load): Promise<Round> {
  const requests = takenInTurn(asks);
  const round = (amount: number) => fired(asks[0], requests, status, amount);
  await round(WARM_UP_ANSWERS);
  const perSecond = await round(WARM_UP_ANSWERS);
  const amount = Math.max(2 * CONNECTIONS, Math.ceil(perSecond * ROUND_SECONDS));
  return () => round(amount);
}

/** Answers per second to requests of which each is good for one time only. */
export const onceEach = ({ asks, status }: Load): Promise<number> =>
  fired(asks[0], takenInTurn(asks), status, asks.length);

/** A way of several requests; each but the first follows from the answer before it. Every connection walks its own. */
export interface Walk {
  readonly start: Ask;
  /** `walker` counts the connections. */
  readonly steps: (walker: number) => readonly ((before: Answer) => Ask)[];
  readonly status: number;
}

/** Ways per second, of so many. */
export async function walked(walk: Walk, ways: number): Promise<number> {
  const { start, steps, status } = walk;
  const length = 1 + steps(0).length;
  let walkers = 0;
  const requests = () => {
    const answers: Answer[] = [];
    const kept = (at: number): Request => ({
      onResponse: (code, text, _context, headers) => {
        answers[at] = answerOf(code, text, headers);
      },
    });
    const rest = steps(walkers++).map((step, at): Request => {
      const setupRequest = () => ({ ...wireOf(step(answers[at] ?? NOTHING)), ...kept(at + 1) });
      return { setupRequest, ...kept(at + 1) };
    });
    return [{ ...wireOf(start), ...kept(0) }, ...rest];
  };
  return (await fired(start, requests, status, ways * length)) / length;
}

type Request = autocannon.Request;

const NOTHING: Answer = { status: 0, location: "/", cookie: "", text: "" };

function answerOf(status: number, text: string, headers: Request["headers"]): Answer {
  const named = Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  return {
    status,
    text,
    location: String(named.location ?? ""),
    cookie: cookiesOf([named["set-cookie"] ?? []].flat()),
  };
}

/** Each connection has a list of its own, and all of them take from ours. */
function takenInTurn(asks: readonly Ask[]): () => Request[] {
  const wires = asks.map(wireOf);
  let next = 0;
  if (wires.length === 1) return () => [{ ...wires[0] }];
  return () => [{ setupRequest: () => ({ ...wires[next++ % wires.length] }) }];
}

async function fired(
  first: Ask | undefined,
  requests: () => Request[],
  status: number,
  amount: number,
): Promise<number> {
  if (!first) throw new Error("there is nothing to ask");
  const counts = new Map<number, number>();
  const began = performance.now();
  let ended = began;
  const { errors } = await new Promise<autocannon.Result>((resolve, reject) => {
    const options: autocannon.Options = {
      url: `http://127.0.0.1:${first.port}`,
      connections: CONNECTIONS,
      amount,
      sampleInt: 100,
      // Long enough for a machine with much else to do: an answer that comes late is measured, not refused.
      timeout: 120,
      setupClient: (client) => client.setRequests(requests()),
    };
    const instance = autocannon(options, (error, result) => (error ? reject(error) : resolve(result)));
    instance.on("response", (_client, code) => {
      counts.set(code, (counts.get(code) ?? 0) + 1);
      // Its own clock ends with a sample, which comes later.
      ended = performance.now();
    });
  });
  const answers = counts.get(status) ?? 0;
  const wrong = [...counts].filter(([code]) => code !== status);
  if (answers > 0 && wrong.length === 0 && errors === 0) return answers / ((ended - began) / 1_000);
  throw new Error(
    `${first.path} was not always answered with ${status}: ${JSON.stringify({ answers, errors, wrong })}`,
  );
}
