import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";

/** A mail as it was handed over, and who handed it over; nobody in particular is "". */
export interface ReceivedMail {
  readonly user: string;
  readonly mail: string;
}

/** A mail server on loopback that takes mail from anybody, and whoever says who they are has to know the password. */
export async function startMailServer(expected: string) {
  const received: ReceivedMail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    allowInsecureAuth: true,
    disabledCommands: ["STARTTLS"],
    onAuth({ username = "", password }, _session, done) {
      if (password !== expected) return done(new Error("Wrong password"));
      done(null, { user: username });
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        received.push({ user: String(session.user ?? ""), mail: Buffer.concat(chunks).toString() });
        done();
      });
    },
  });
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  return {
    port: (server.server.address() as AddressInfo).port,
    received,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

/** What a mail says, whatever it was encoded in to travel (RFC 2045, sections 6.7 and 6.8). */
export function readableMail(mail: string): string {
  const parts = mail.split(/\r\n--[^\r\n]+\r\n/).map((part) => {
    const [head = "", ...rest] = part.split("\r\n\r\n");
    const body = rest.join("\r\n\r\n");
    if (/^content-transfer-encoding: base64/im.test(part)) return head + Buffer.from(body, "base64").toString();
    return part
      .replace(/=\r\n/g, "")
      .replace(/(?:=[0-9A-F]{2})+/g, (bytes) => Buffer.from(bytes.replaceAll("=", ""), "hex").toString());
  });
  return parts.join("\n");
}
