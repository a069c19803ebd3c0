import { Hono } from "hono";
import { generateKeyPair, SignJWT } from "jose";
import { AUDIENCE, MACHINE } from "../support/acme.ts";
import { serving } from "./serving.ts";

/** The least that gives out tokens: one route that reads the form, compares the secret and signs with a kept key. */
const { privateKey } = await generateKeyPair("RS256");
const app = new Hono();

app.post("/oauth/token", async (c) => {
  const form = await c.req.parseBody();
  if (form.client_id !== MACHINE.clientId || form.client_secret !== MACHINE.clientSecret) return c.body(null, 401);
  const access_token = await new SignJWT({ scope: "read:things" })
    .setProtectedHeader({ alg: "RS256", kid: "kept", typ: "at+jwt" })
    .setIssuer("http://signer.localhost/")
    .setSubject(MACHINE.clientId)
    .setAudience(AUDIENCE)
    .setIssuedAt()
    .setExpirationTime("1h")
    .sign(privateKey);
  return c.json({ access_token, token_type: "Bearer", expires_in: 3_600 });
});

serving(app.fetch);
