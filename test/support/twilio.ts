import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A text that Twilio took: by which account, and the form it was sent as. */
export interface SentText {
  readonly account: string;
  readonly form: Readonly<Record<string, string>>;
}

/** A number that Twilio sends nothing to (error 21211), and one at which it fails. */
export const NO_NUMBER = "+46700000000";
export const FAILING_NUMBER = "+46700000001";

/** Twilio's `POST /2010-04-01/Accounts/{sid}/Messages.json` on loopback, for accounts whose token it knows. */
export async function startTwilio(accounts: Readonly<Record<string, string>>) {
  const sent: SentText[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const form = Object.fromEntries(new URLSearchParams(body));
    const account = /^\/2010-04-01\/Accounts\/([^/]+)\/Messages\.json$/.exec(request.url ?? "")?.[1] ?? "";
    const expected = `Basic ${Buffer.from(`${account}:${accounts[account]}`).toString("base64")}`;
    const answer = (status: number, told: object) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(told));

    if (!(account in accounts) || request.headers.authorization !== expected) {
      return answer(401, { code: 20003, message: `Authenticate: ${request.headers.authorization}`, status: 401 });
    }
    if (form.To === NO_NUMBER) return answer(400, { code: 21211, message: `Invalid 'To': ${form.To} ${form.Body}` });
    if (form.To === FAILING_NUMBER) return answer(500, { message: form.Body });
    sent.push({ account, form });
    answer(201, { sid: `SM${sent.length}`, status: "queued" });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sent,
    /** The digits in the text that was sent last. */
    code: () => /\d{6}/.exec(sent.at(-1)?.form.Body ?? "")?.[0] ?? "",
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export type Twilio = Awaited<ReturnType<typeof startTwilio>>;
