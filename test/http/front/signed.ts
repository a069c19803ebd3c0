import { createPublicKey } from "node:crypto";
import { exportSPKI, generateKeyPair, SignJWT } from "jose";
import { type Echo, NOW, testFront } from "./support.ts";

const { publicKey, privateKey } = await generateKeyPair("ES256");
const front = testFront({
  signers: { acme: { tenantId: "acme", publicKey: createPublicKey(await exportSPKI(publicKey)) } },
});
const token = await new SignJWT({ sub: "acme|user" })
  .setProtectedHeader({ alg: "ES256", kid: "acme" })
  .setIssuedAt(NOW)
  .setExpirationTime(new Date(NOW.getTime() + 3_600_000))
  .sign(privateKey);

/** What a `PATCH` by an administrator of `acme` becomes inside. */
export function patchAsAdministrator(path: string, body: string): Promise<Echo> {
  return front.seen("acme.localhost", path, { method: "PATCH", body, headers: { authorization: `Bearer ${token}` } });
}
