import { describe, expect, it } from "vitest";
import { refusal, testFront } from "./support.ts";

const front = testFront();
const form = "application/x-www-form-urlencoded";

const ask = (body: string, type = form, authorization?: string) => {
  const headers = { "content-type": type, ...(authorization !== undefined && { authorization }) };
  return front.send("acme.localhost", "/oauth/token", { method: "POST", body, headers });
};
const basic = (clientId: string) => `Basic ${Buffer.from(`${clientId}:secret`).toString("base64")}`;
const assertionOf = (sub: string) => `e30.${Buffer.from(JSON.stringify({ sub })).toString("base64url")}.x`;
const GRANT = "grant_type=client_credentials&organization=org_1";

describe("client_credentials for an organization", () => {
  it.each([
    [`${GRANT}&client_id=granted`, form, undefined],
    [GRANT, form, basic("granted")],
    [`${GRANT}&client_assertion=${assertionOf("granted")}`, form, undefined],
    ["grant_type=client_credentials&client_id=anybody", form, undefined],
    ["grant_type=client_credentials&client_id=anybody&organization=", form, undefined],
    ["grant_type=authorization_code&client_id=anybody&organization=org_1", form, undefined],
    [JSON.stringify({ grant_type: "client_credentials", client_id: "anybody" }), "application/json", undefined],
  ])("passes %s", async (body, type, authorization) => {
    expect((await ask(body, type, authorization)).status).toBe(200);
  });

  it.each([
    [`${GRANT}&client_id=anybody`, form, undefined],
    [GRANT, form, undefined],
    [GRANT, form, basic("anybody")],
    // AuthHero believes one of several clients: all of them have to be granted.
    [`${GRANT}&client_id=granted`, form, basic("anybody")],
    [`${GRANT}&client_id=anybody&client_id=granted`, form, undefined],
    [`organization=&${GRANT}&client_id=anybody`, form, undefined],
    [`grant_type=refresh_token&${GRANT}&client_id=anybody`, form, undefined],
    [`${GRANT}&client_assertion=garbage`, form, undefined],
    [`${GRANT}&client_assertion=${assertionOf("anybody")}&client_id=granted`, form, undefined],
    [`{"grant_type":"client_credentials","client_id":"anybody","organization":"org_1"}`, "application/json", undefined],
    [`{"grant_type":"client_credentials","client_id":"anybody","organization":["org_1"]}`, "text/x+json", undefined],
  ])("refuses %s", async (body, type, authorization) => {
    const answer = await ask(body, type, authorization);

    expect(await refusal(answer.clone())).toEqual([403, "organization_not_granted"]);
    expect(await answer.json()).toMatchObject({ error: "access_denied" });
  });

  it("takes no multipart form", async () => {
    expect(await refusal(await ask("--b--", "multipart/form-data; boundary=b"))).toEqual([400, "invalid_content_type"]);
  });
});
