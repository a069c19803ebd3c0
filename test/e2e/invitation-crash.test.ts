import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";
import { afterAll, beforeAll, expect, it } from "vitest";
import { api, managementToken } from "../support/clients.ts";
import { type RunningServer, startServer } from "../support/server.ts";

/** Two starts and a creation, on a machine that may have other things to do. */
const LIVES_MS = 180_000;

let smtp: SMTPServer;
/** The links in the mails that came, and what happens when the next one does, before anybody is told. */
const links: string[] = [];
let onMail: () => Promise<void> = () => Promise.resolve();
let server: RunningServer;

beforeAll(async () => {
  smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS", "AUTH"],
    async onData(stream, _session, done) {
      let mail = "";
      for await (const chunk of stream) mail += String(chunk);
      links.push(/invitation=(inv_\w+)/.exec(mail.replaceAll("=\r\n", "").replaceAll("=3D", "="))?.[1] ?? "no link");
      await onMail();
      done();
    },
  });
  // Whoever is killed leaves its connection behind.
  smtp.on("error", () => {});
  smtp.listen(0, "127.0.0.1");
  await once(smtp.server, "listening");
});
afterAll(async () => {
  await server?.remove();
  await new Promise<void>((resolve) => smtp.close(() => resolve()));
});

it("invites the first administrator once, however often it dies over the mail", { timeout: LIVES_MS }, async () => {
  const { port: smtpPort } = smtp.server.address() as AddressInfo;
  const env = { SMTP_URL: `smtp://127.0.0.1:${smtpPort}`, SMTP_FROM: "auth@example.com" };
  server = await startServer({ env });
  const token = await managementToken(server);
  onMail = () => server.signal("SIGKILL");
  const body = JSON.stringify({ id: "acme", friendly_name: "Acme", admin: { email: "ann@acme.example" } });

  await expect(api(server, token, "/tenants", { method: "POST", body })).rejects.toThrow("fetch failed");

  onMail = () => Promise.resolve();
  server = await startServer({ env, directory: server.directory, port: server.port });
  const shown = async (path: string) => await (await api(server, token, path)).json();
  await expect.poll(() => shown("/tenants/acme"), { timeout: 60_000 }).toMatchObject({ state: "ready" });
  const organizations = (await shown("/organizations")) as { id: string; name: string }[];
  const own = organizations.filter(({ name }) => name === "acme");
  const invitations = (await shown(`/organizations/${own[0]?.id}/invitations`)) as { id: string }[];

  expect(own).toHaveLength(1);
  expect(invitations.map(({ id }) => id)).toEqual([links[0]]);
  // The mail that nobody was told of came again, with the same link.
  expect(new Set(links)).toEqual(new Set([links[0]]));
  expect(links.length).toBeGreaterThanOrEqual(2);
});
