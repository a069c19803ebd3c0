import { request } from "node:http";

/** A request to a server on loopback, under the host name that its tenant has. */
export interface Ask {
  readonly port: number;
  readonly host?: string;
  /** Or a whole URL, as answers give it. */
  readonly path: string;
  readonly token?: string;
  readonly cookie?: string;
  /** Sent as a form, by POST. */
  readonly form?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly location: string;
  readonly cookie: string;
  readonly text: string;
}

/** How a request looks on the wire, for `ask` and for the load generator alike. */
export function wireOf({ port, host = `localhost:${port}`, path, token, cookie, form }: Ask) {
  return {
    method: form ? ("POST" as const) : ("GET" as const),
    path: path.replace(/^https?:\/\/[^/]+/, ""),
    headers: {
      host,
      ...(token && { authorization: `Bearer ${token}` }),
      ...(cookie && { cookie }),
      // A browser says where the forms of our pages come from.
      ...(form && { "content-type": "application/x-www-form-urlencoded" }),
      ...(form && path.startsWith("/u/") && { origin: `http://${host}` }),
    },
    ...(form && { body: new URLSearchParams(form).toString() }),
  };
}

/** Asks once and reads the answer to its end. `fetch` would not let the host be named. Redirects are not followed. */
export function ask(wanted: Ask): Promise<Answer> {
  const { body, ...wire } = wireOf(wanted);
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...wire, host: "127.0.0.1", port: wanted.port }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () => {
        const { location = "", "set-cookie": cookies = [] } = incoming.headers;
        resolve({
          status: incoming.statusCode ?? 0,
          location,
          cookie: cookiesOf(cookies),
          text: Buffer.concat(chunks).toString(),
        });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** What a browser sends back of what it was told to keep. */
export const cookiesOf = (set: readonly string[]): string => set.map((each) => each.split(";", 1)[0]).join("; ");

/** The answer, if it has the status that it should have. */
export async function expected(status: number, wanted: Ask): Promise<Answer> {
  const answer = await ask(wanted);
  if (answer.status === status) return answer;
  throw new Error(`${wanted.path} answered ${answer.status} instead of ${status}: ${answer.text.slice(0, 500)}`);
}
