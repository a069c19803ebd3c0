import { describe, expect, it } from "vitest";
import { refusal, testFront } from "./support.ts";

/** An application that lists `http://localhost:5000/bye`. */
const front = testFront();
const logOut = (returnTo: string) =>
  front.send("acme.localhost", `/v2/logout?client_id=web&returnTo=${encodeURIComponent(returnTo)}`);

describe("logout-urls", () => {
  it.each([
    "http://localhost:5000/bye",
    "http://LOCALHOST:5000/bye",
    "http://acme.localhost:3000/anything",
    "https://app.example/left-to-authhero",
    "no address",
  ])("lets %s through", async (returnTo) => {
    expect((await logOut(returnTo)).status).toBe(200);
  });

  it.each([
    "http://localhost:5001/bye",
    "http://localhost:5000/bye/more",
    "http://localhost:5000/bye?x=1",
    "http://localhost:5000/bye#x",
    "http://localhost/bye",
    "https://localhost:5000/bye",
    "http://user@localhost:5000/bye",
    "http://127.0.0.1:5000/bye",
    "http://2130706433:5000/bye",
    "http://[::1]:5000/bye",
    "http://app.localhost:5000/bye",
    "http://beta.localhost:3000/",
  ])("refuses %s", async (returnTo) => {
    expect(await refusal(await logOut(returnTo))).toEqual([400, "logout_url_not_allowed"]);
  });
});
