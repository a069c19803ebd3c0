import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FirstLogin } from "../auth/control-plane.ts";

/** What the operator reads once: how to sign in, and how to make the first tenant. */
export function firstLoginText({ username, password, clientId, clientSecret }: FirstLogin, issuer: string): string {
  return `Rowhouse is ready. This is shown once, and kept in first-login.txt in the data directory.

url: ${issuer}
administrator: ${username}
password: ${password}
client id: ${clientId}
client secret: ${clientSecret}

The first tenant:

TOKEN=$(curl -s ${issuer}oauth/token -d grant_type=client_credentials -d client_id=${clientId} -d client_secret=${clientSecret} -d audience=urn:authhero:management | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
curl -s ${issuer}api/v2/tenants -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' \\
  -d '{"id":"acme","friendly_name":"Acme"}'
`;
}

/** Writes it for the owner's eyes only, whole or not at all. */
export async function writeFirstLogin(directory: string, text: string): Promise<void> {
  const path = join(directory, "first-login.txt");
  const making = `${path}.${process.pid}`;
  await writeFile(making, text, { mode: 0o600 });
  await rename(making, path);
}
