import { describe, expect, it } from "vitest";
import { canonicalOrigin, type HostMatch, matchHost, originOf } from "../../src/tenancy/hosts.ts";

const rules = {
  issuer: new URL("http://localhost:3000/"),
  baseDomain: "localhost",
  controlPlaneTenantId: "main",
};
const controlPlane: HostMatch = { kind: "control-plane" };
const acme: HostMatch = { kind: "tenant", tenantId: "acme" };
const nobody: HostMatch = { kind: "nobody" };
const reserved: HostMatch = { kind: "unknown", why: "reserved" };
const ours: HostMatch = { kind: "unknown", why: "ours" };
const noDomain: HostMatch = { kind: "unknown", why: "no_domain" };
const foreign = (name: string): HostMatch => ({ kind: "foreign", name });
const malformed: HostMatch = { kind: "malformed" };

describe("matchHost", () => {
  it.each<[string, HostMatch, string]>([
    ["localhost", controlPlane, "the issuer's host"],
    ["localhost:3000", controlPlane, "its port"],
    ["localhost:9999", controlPlane, "another port"],
    ["localhost:", controlPlane, "an empty port, which RFC 3986 allows"],
    ["LocalHost.", controlPlane, "upper case and a trailing dot"],
    ["acme.localhost", acme, "a tenant"],
    ["acme.localhost:81", acme, "a tenant with a port"],
    ["ACME.LOCALHOST", acme, "a tenant in upper case"],
    ["acme.localhost.", acme, "a tenant with a trailing dot"],
    ["acme.localhost.:3000", acme, "a trailing dot before the port"],
    ["a.acme.localhost", ours, "a nested label"],
    ["acme.localhost.evil.com", foreign("acme.localhost.evil.com"), "our name in front of a foreign one"],
    ["acmelocalhost", noDomain, "a look-alike without the dot"],
    ["acme.notlocalhost", foreign("acme.notlocalhost"), "a look-alike suffix"],
    ["example.com", foreign("example.com"), "a foreign host"],
    ["Login.Example.COM.:8080", foreign("login.example.com"), "the same in upper case, with a trailing dot and a port"],
    ["xn--mnchen-3ya.example", foreign("xn--mnchen-3ya.example"), "an internationalised domain, as browsers send it"],
    ["xn--0.example", noDomain, "what only looks like one"],
    ["login_page.example.com", noDomain, "an underscore in a foreign host"],
    ["example", noDomain, "a foreign host of one label"],
    ["www.localhost", reserved, "a reserved label"],
    ["admin.localhost", reserved, "another reserved label"],
    ["main.localhost", reserved, "the control plane's id as a label"],
    ["127.0.0.1", noDomain, "an IPv4 address"],
    ["127.0.0.1:3000", noDomain, "an IPv4 address with a port"],
    ["[::1]", noDomain, "an IPv6 address"],
    ["[::1]:3000", noDomain, "an IPv6 address with a port"],
    ["xn--mnchen-3ya.localhost", nobody, "an internationalised label: tenant ids have no double dash"],
    ["control_plane.localhost", nobody, "an underscore"],
    ["a.localhost", nobody, "a label that is too short for a tenant"],
    ["-acme.localhost", nobody, "a label with a dash in front"],
    [`${"a".repeat(63)}.localhost`, { kind: "tenant", tenantId: "a".repeat(63) }, "the longest label"],
    [`${"a".repeat(64)}.localhost`, malformed, "a label too long for DNS"],
    [`${"a.".repeat(146)}localhost`, malformed, "301 characters"],
    ["", malformed, "nothing"],
    [".", malformed, "a dot"],
    [":3000", malformed, "only a port"],
    ["acme..localhost", malformed, "an empty label"],
    ["acme.localhost..", malformed, "two trailing dots"],
    ["acme.localhost:99999", malformed, "a port that does not exist"],
    ["acme.localhost:3000:1", malformed, "two ports"],
    ["user@acme.localhost", malformed, "user information"],
    ["acme.localhost/x", malformed, "a path"],
    ["acme.localhost, evil.com", malformed, "two hosts"],
    ["münchen.localhost", malformed, "letters outside of ASCII"],
    ["acme localhost", malformed, "a space"],
  ])("%j is %o: %s", (host, expected) => {
    expect(matchHost(host, rules)).toEqual(expected);
  });

  it("knows only the issuer's host when there is no base domain", () => {
    const alone = { ...rules, baseDomain: undefined };

    expect(matchHost("localhost", alone)).toEqual(controlPlane);
    expect(matchHost("acme.localhost", alone)).toEqual(ours);
    expect(matchHost("acme.example", alone)).toEqual(foreign("acme.example"));
  });

  it("leaves the base domain itself unknown when the control plane lives elsewhere", () => {
    const elsewhere = { ...rules, issuer: new URL("https://cp.auth.example.com/"), baseDomain: "Auth.Example.com." };

    expect(matchHost("cp.auth.example.com", elsewhere)).toEqual(controlPlane);
    expect(matchHost("auth.example.com", elsewhere)).toEqual(ours);
    expect(matchHost("x.cp.auth.example.com", elsewhere)).toEqual(ours);
    expect(matchHost("example.com", elsewhere)).toEqual(foreign("example.com"));
    expect(matchHost("acme.auth.example.com", elsewhere)).toEqual(acme);
  });

  it("takes an address for the control plane when the issuer is one, and finds no label in it", () => {
    const address = { ...rules, issuer: new URL("http://127.0.0.1:3000/"), baseDomain: "0.0.1" };

    expect(matchHost("127.0.0.1", address)).toEqual(controlPlane);
    expect(matchHost("128.0.0.1", address)).toEqual(ours);
  });
});

describe("originOf", () => {
  it.each([
    ["main", rules, "http://localhost:3000/"],
    ["acme", rules, "http://acme.localhost:3000/"],
    ["acme", { ...rules, baseDomain: undefined }, "http://localhost:3000/"],
    [
      "acme",
      { ...rules, issuer: new URL("https://cp.example.com/"), baseDomain: "example.com" },
      "https://acme.example.com/",
    ],
  ])("gives %s its canonical name with the issuer's scheme and port", (tenantId, given, expected) => {
    expect(originOf(tenantId, given).href).toBe(expected);
  });
});

describe("canonicalOrigin", () => {
  it.each<[readonly string[], string]>([
    [[], "http://acme.localhost:3000/"],
    [["login.acme.example", "old.acme.example"], "http://login.acme.example:3000/"],
    [["login.localhost", "old.acme.example"], "http://old.acme.example:3000/"],
  ])("of a tenant with %j is %s", (domains, expected) => {
    expect(canonicalOrigin("acme", rules, domains).href).toBe(expected);
  });

  it("of the control plane is the issuer, whatever it is said to have", () => {
    expect(canonicalOrigin("main", rules, ["login.example.com"]).href).toBe("http://localhost:3000/");
  });
});
