import { lookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";
import { createTransport } from "nodemailer";
import * as z from "zod";
import { PlatformError } from "../../domain/errors.ts";
import type { Message } from "./message.ts";

/** How to reach a mail server; the names are Auth0's, for the provider `smtp`. */
export const SmtpCredentials = z.object({
  smtp_host: z.string().min(1).max(253),
  smtp_port: z.coerce.number().int().min(1).max(65_535).default(587),
  smtp_user: z.string().min(1).optional(),
  smtp_pass: z.string().min(1).optional(),
});
export type SmtpCredentials = z.infer<typeof SmtpCredentials>;

/** A mail server that says nothing for so long, in milliseconds, is down: somebody waits at a login page. */
const TIMEOUT_MS = 10_000;

/** Where TLS begins at once; on other ports it begins with STARTTLS (RFC 8314, section 3.3). */
const TLS_PORT = 465;

/**
 * Sends one message over SMTP (RFC 5321), encrypted where the server can. `anywhere`: also to addresses that only
 * this machine or its private network can reach, which a tenant's own provider may not name.
 * `invalid` (`mail_host_forbidden`); `unavailable` (`mail_failed`).
 */
export async function sendBySmtp(credentials: SmtpCredentials, message: Message, anywhere: boolean): Promise<void> {
  const { smtp_host: name, smtp_port: port, smtp_user: user, smtp_pass: pass } = credentials;
  const host = await addressOf(name, anywhere);
  const transport = createTransport({
    host,
    port,
    secure: port === TLS_PORT,
    // Credentials travel encrypted or not at all, but for a server of the operator's own choice.
    requireTLS: user !== undefined && !anywhere,
    ...(user !== undefined && { auth: { user, pass: pass ?? "" } }),
    // The certificate is the name's, wherever it leads.
    tls: isIP(name) === 0 ? { servername: name } : {},
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    await transport.sendMail(message);
  } catch (cause) {
    throw failed(name, cause);
  } finally {
    transport.close();
  }
}

/** The address is looked up once and then connected to, so that a name cannot change between the check and the call. */
async function addressOf(name: string, anywhere: boolean): Promise<string> {
  const address = await lookup(name).then(
    (found) => found.address,
    (cause: unknown) => {
      throw failed(name, cause);
    },
  );
  if (anywhere || !isPrivate(address)) return address;
  const message = `smtp_host: ${name} is an address of this machine or its private network`;
  throw new PlatformError("invalid", "mail_host_forbidden", message);
}

const PRIVATE = new BlockList();
for (const network of [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"],
  ...["192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4"],
]) {
  const [address = "", prefix] = network.split("/");
  PRIVATE.addSubnet(address, Number(prefix), "ipv4");
}
// Everything that is not global unicast (RFC 4291, section 2.4) or leads to an IPv4 address inside another one.
for (const [address, prefix] of [
  ["::", 3],
  ["4000::", 2],
  ["8000::", 1],
  ["2001::", 32],
  ["2002::", 16],
] as const) {
  PRIVATE.addSubnet(address, prefix, "ipv6");
}

const isPrivate = (address: string) => PRIVATE.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");

/** Servers answer with what they were sent, so nothing of their words is kept but codes. */
function failed(host: string, cause: unknown): PlatformError {
  const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  const answer = cause instanceof Error && "responseCode" in cause ? ` with ${String(cause.responseCode)}` : "";
  return new PlatformError(
    "unavailable",
    "mail_failed",
    `The mail server ${host} did not take the mail${answer}${code}`,
  );
}
