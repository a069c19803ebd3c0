import { describe, expect, it } from "vitest";
import { loadConfig } from "../../src/config.ts";
import { type Block, blocksOf, DOCUMENTS, examplesOf, hasShape } from "../support/documents.ts";
import { type TerminalOptions, typeAll } from "../support/terminal.ts";

/** What a document takes for granted: a server that runs, an operator's token, and some tenants. */
const running = (...tenants: string[]): TerminalOptions => ({
  given: [
    "npm start > /dev/null",
    // What `data/first-login.txt` ends with is what the README has people run.
    `eval "$(grep '^TOKEN=' data/first-login.txt)"`,
    ...tenants.map((id) => `${MANAGEMENT} ${API}/tenants -d '{"id":"${id}","friendly_name":"${id}"}' > /dev/null`),
  ].join("\n"),
});
const alsoGiven = (scene: TerminalOptions, command: string) => ({
  ...scene,
  given: `${scene.given}\n${command} > /dev/null`,
});
const API = "http://localhost:$TEST_PORT/api/v2";
const MANAGEMENT = `curl -s -H "authorization: Bearer $TOKEN" -H 'content-type: application/json'`;

/** The documents whose commands are typed, each from its beginning to its end, and what they take for granted. */
const SCENES: Readonly<Record<string, TerminalOptions>> = {
  "README.md": { asCloned: true },
  "docs/control-plane.md": { env: { DEV_MAILBOX: "1" } },
  "docs/fallback.md": running("acme"),
  "docs/hosts.md": running("acme"),
  "docs/mail.md": { ...running("acme"), env: { DEV_MAILBOX: "1" } },
  "docs/sms.md": running("acme"),
  "docs/management-api.md": running("acme"),
  "docs/migrating-from-authhero.md": {
    given: `node --import tsx --input-type=module -e '
      import { makeAuthHeroDatabase } from "./test/support/authhero-database.ts";
      await makeAuthHeroDatabase("old.db");
    '`,
  },
  "docs/providers.md": alsoGiven(running("acme"), "systemctl stop rowhouse"),
  "docs/reconcile.md": running("acme"),
  "docs/runbooks/backup-and-restore.md": running("acme"),
  "docs/runbooks/rotating-the-encryption-key.md": running("acme", "beta"),
  "docs/runbooks/rolling-out-a-migration.md": running("acme"),
  "docs/runbooks/stuck-operation.md": running("acme"),
  "docs/sync.md": alsoGiven(
    running("acme", "beta"),
    `${MANAGEMENT} -H 'tenant-id: beta' ${API}/roles -d '{"name":"Cook"}'`,
  ),
};

/** A remark on blocks that nobody can run here, or that a person does in a browser, and what it says. */
const SPARED = /^(?:outside|by hand): (.+)$/;

const commandsIn = (blocks: readonly Block[]) => blocks.filter(({ info }) => info === "sh" || info === "console");

describe("the commands in the documents", () => {
  it("are all typed by a test, but for those that say why not", () => {
    const untyped = DOCUMENTS.filter((path) => !(path in SCENES)).flatMap((path) =>
      commandsIn(blocksOf(path)).flatMap(({ line, remark }) => (SPARED.test(remark) ? [] : [`${path}:${line}`])),
    );

    expect(untyped).toEqual([]);
  });

  it("are spared only where they need something from outside, or somebody", () => {
    const spared = DOCUMENTS.flatMap((path) =>
      commandsIn(blocksOf(path))
        .flatMap(({ remark }) => SPARED.exec(remark)?.[0] ?? [])
        .map((reason) => `${path}: ${reason}`),
    );

    expect(spared.sort()).toMatchSnapshot();
  });

  it("settings in `env` blocks are settings that the service starts with", () => {
    for (const path of DOCUMENTS) {
      for (const { info, text, line } of blocksOf(path)) {
        if (info !== "env") continue;
        const pairs = text.split("\n").flatMap((each) => [...each.matchAll(/^([A-Z_]+)=(\S*)/g)]);
        const variables = Object.fromEntries(pairs.map(([, name = "", value = ""]) => [name, value]));
        expect(() => loadConfig(variables, () => KEY), `${path}:${line}`).not.toThrow();
      }
    }
  });

  it.each(Object.entries(SCENES))(
    "%s: do what it says",
    async (path, scene) => {
      const examples = examplesOf(blocksOf(path).filter(({ remark }) => !SPARED.test(remark)));
      expect(examples.length).toBeGreaterThan(0);

      for (const { example, printed, code } of await typeAll(examples, scene)) {
        const where = `${path}:${example.line}: ${example.command}\nprinted:\n${printed}`;
        expect(code, where).toBe(0);
        if (example.prints !== null)
          expect(hasShape(printed, example.prints), `${where}\nnot:\n${example.prints}`).toBe(true);
        else expect(printed, where).not.toMatch(/"statusCode":[45]/);
      }
    },
    300_000,
  );
});

/** What a file named by `…_FILE` holds: as long as a key has to be. */
const KEY = "07".repeat(32);

describe("an example's shape", () => {
  it.each([
    ['{"id":"org_8hYycbNwIo4r"}', '{"id":"org_zzzzzzzz1234"}', true],
    ['{"at":"2026-11-25T17:24:22.482Z"}', '{"at":"2027-01-01T00:00:00.000Z"}', true],
    ['{"done":30,\n "left":0}', '{ "done": 7, "left": 11 }', true],
    ['{"id":"acme",…,"state":"ready"}', '{"id":"acme","a":{"b":1},"state":"ready"}', true],
    ['{"id":"acme",…,"state":"ready"}', '{"id":"acme","state":"failed"}', false],
    ['{"statusCode":403,"errorCode":"tenant_forbidden"}', '{"statusCode":403,"errorCode":"forbidden"}', false],
    ['{"health":"ok"}', '{"health":"ok","problem":null}', false],
  ])("%s and %s: %s", (example, printed, same) => {
    expect(hasShape(printed, example)).toBe(same);
  });
});
