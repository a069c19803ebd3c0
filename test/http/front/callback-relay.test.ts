import { describe, expect, it } from "vitest";
import { refusal, testFront } from "./support.ts";

const front = testFront();
const form = (fields: Record<string, string>) => ({ method: "POST", body: new URLSearchParams(fields) });

describe("callback-relay", () => {
  it.each(["/callback", "/login/callback"])(
    "sends %s of a tenant's login to the tenant's host, query and all",
    async (path) => {
      const answer = await front.send("localhost", `${path}?code=a%2Fb&state=acmes-state&iss=x`);

      expect(answer.status).toBe(307);
      expect(answer.headers.get("location")).toBe(
        `http://acme.localhost:3000${path}?code=a%2Fb&state=acmes-state&iss=x`,
      );
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
    },
  );

  it("finds the state in a form and leaves the form to the browser, which sends it again", async () => {
    const answer = await front.send("localhost", "/login/callback", form({ state: "acmes-state", code: "c" }));

    expect(answer.status).toBe(307);
    expect(answer.headers.get("location")).toBe("http://acme.localhost:3000/login/callback");
  });

  it("serves the control plane's own logins where they are, with their form", async () => {
    const echo = await front.seen("localhost", "/login/callback", form({ state: "own-state", code: "c" }));

    expect(echo.context.tenantId).toBe("control_plane");
    expect(echo.body).toBe("state=own-state&code=c");
  });

  it.each([
    "/callback?code=c&state=nobodys-state",
    "/callback?code=c",
    "/callback?code=c&state=",
    "/callback?state=acmes-state&state=own-state",
    "/callback?state=states-of-the-deleted",
    `/callback?state=${"x".repeat(300)}`,
    "/callback/?state=__proto__",
  ])("refuses %s", async (path) => {
    expect(await refusal(await front.send("localhost", path))).toEqual([400, "unknown_state"]);
  });

  it("does nothing on a tenant's host", async () => {
    const echo = await front.seen("beta.localhost", "/callback?state=acmes-state");

    expect(echo.context.tenantId).toBe("beta");
  });
});
