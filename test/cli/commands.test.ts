import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MANAGEMENT_API_AUDIENCE } from "authhero";
import type { Command } from "commander";
import { afterAll, describe, expect, it } from "vitest";
import { MANAGEMENT_AUDIENCE } from "../../src/cli/api.ts";
import { createOutput } from "../../src/cli/output.ts";
import { createProgram } from "../../src/cli/program.ts";
import { rowhouse, within } from "./program.ts";

/** The real program is a process of its own, and loads all of itself on a machine that is busy with other tests. */
const PATIENCE_MS = 300_000;

/** Shells are not everybody's; CI installs them. */
const isMissing = (shell: string) => !process.env.CI && spawnSync(shell, ["--version"]).error !== undefined;

const root = createProgram({ process, end: () => {} });
const directory = mkdtempSync(join(tmpdir(), "rowhouse-cli-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Every command and group below another, with the words that lead to it. */
function commandsIn(command: Command, path: readonly string[] = []): { path: readonly string[]; command: Command }[] {
  const below = command.commands.flatMap((child) => commandsIn(child, [...path, child.name()]));
  return [{ path, command }, ...below];
}
const all = commandsIn(root);
const leaves = all.filter(({ command }) => command.commands.length === 0);
const named = ({ path }: { path: readonly string[] }) => path.join(" ");

describe("help", () => {
  it.each(all.map(({ path }) => [path.join(" "), path] as const))("of rowhouse %s ends well", async (_name, path) => {
    const { code, stdout } = await within([...path, "--help"]);

    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: ${["rowhouse", ...path].join(" ")}`);
  });

  it.each(leaves.map((leaf) => [named(leaf), leaf.path] as const))("of %s has an example of it", async (name, path) => {
    const { stdout } = await within([...path, "--help"]);

    expect(stdout.slice(stdout.indexOf("Examples:"))).toContain(`rowhouse ${name}`);
  });

  it("of every command but the one that serves offers --json", () => {
    const without = leaves.filter(({ command }) => !command.options.some(({ long }) => long === "--json"));

    expect(without.map(named)).toEqual(["start"]);
  });

  it("stands in docs/cli.md for every command", () => {
    const page = readFileSync("docs/cli.md", "utf8");

    expect(leaves.map(named).filter((name) => !page.includes(`rowhouse ${name}`))).toEqual([]);
  });
});

describe("wrong use", { timeout: PATIENCE_MS }, () => {
  it.each([
    [[], "Usage: rowhouse"],
    [["bogus"], "unknown command 'bogus'"],
    [["tenants"], "Usage: rowhouse tenants"],
    [["tenants", "shwo"], "(Did you mean show?)"],
    [["tenants", "create"], "missing required argument 'id'"],
    [["tenants", "list", "--bogus"], "unknown option '--bogus'"],
    [["completion", "tcsh"], "Allowed choices are bash, zsh, fish"],
    [["migrate", "--tenant", "acme,,globex"], "Ids with commas between them"],
    [["migrate", "--tenant", "acme", "--all"], "--tenant and --all: one of the two"],
    [["tenants", "list", "--url", "ftp://x"], "--url must be like https://auth.example.com/"],
  ])("%j is code 2, and says what is wrong", async (args, message) => {
    const { code, stdout, stderr } = await within(args);

    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  it("names all wrong settings, and no value", async () => {
    const { code, stderr } = await rowhouse(["status"], { PORT: "seventy", POOL_MAX_OPEN: "s3cret" });

    expect(code).toBe(2);
    expect(stderr).toMatch(/^ *PORT /m);
    expect(stderr).toMatch(/POOL_MAX_OPEN/);
    expect(stderr).not.toMatch(/seventy|s3cret/);
  });

  it("asks for a client's other half", async () => {
    const env = { ROWHOUSE_URL: "http://127.0.0.1:9/", ROWHOUSE_CLIENT_ID: "id" };

    const { code, stderr } = await rowhouse(["tenants", "list", "--json"], env);

    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: "invalid", reason: "credentials_incomplete" } });
  });
});

describe("failure", { timeout: PATIENCE_MS }, () => {
  it("is code 1 where there is no control plane, and makes none", async () => {
    const { code, stderr } = await rowhouse(["status"], { DATA_DIR: join(directory, "nothing") });

    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: There is no control plane in .*rowhouse init/);
  });

  it("is code 1 where no server answers", async () => {
    const token = join(directory, "token");
    writeFileSync(token, "a-token\n");
    const env = { ROWHOUSE_URL: "http://127.0.0.1:9/", ROWHOUSE_TOKEN_FILE: token };

    const { code, stderr } = await rowhouse(["tenants", "list"], env);

    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/^error: No server answers at http/) });
  });
});

describe("openapi", { timeout: PATIENCE_MS }, () => {
  it("writes the document that a server with these settings serves", async () => {
    const file = join(directory, "openapi.json");
    const env = { ISSUER: "https://auth.example.com/" };

    const [written, printed] = await Promise.all([rowhouse(["openapi", file], env), rowhouse(["openapi"], env)]);

    expect([written.code, printed.code]).toEqual([0, 0]);
    expect(readFileSync(file, "utf8")).toBe(printed.stdout);
    expect(JSON.parse(printed.stdout)).toMatchObject({ openapi: expect.any(String), paths: expect.any(Object) });
    expect(printed.stdout).toContain("https://auth.example.com/");
  });
});

describe("completion", () => {
  it("of bash knows the commands, those below them, and their options", async () => {
    const script = join(directory, "rowhouse.bash");
    writeFileSync(script, (await within(["completion", "bash"])).stdout);
    const complete = (...words: string[]) =>
      execFileSync("bash", [
        "--norc",
        "-c",
        `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _rowhouse; echo "\${COMPREPLY[*]}"`,
        "bash",
        script,
        ...words,
      ])
        .toString()
        .trim();

    expect(complete("rowhouse", "oper")).toBe("operations");
    expect(complete("rowhouse", "tenants", "s")).toBe("show suspend");
    expect(complete("rowhouse", "--version", "tenants", "sus")).toBe("suspend");
    expect(complete("rowhouse", "tenants", "create", "acme", "--na")).toBe("--name");
    expect(complete("rowhouse", "completion", "")).toMatch(/^bash zsh fish/);
    // What stands on the line is looked at, and never run.
    expect(complete("rowhouse", "$(touch /tmp/ran)", "mig")).toBe("migrate");
  });

  it.skipIf(isMissing("fish"))("of fish knows the same", async () => {
    const script = join(directory, "rowhouse.fish");
    writeFileSync(script, (await within(["completion", "fish"])).stdout);
    const complete = (line: string) =>
      execFileSync("fish", ["--no-config", "-c", 'source $argv[1]; complete -C "$argv[2]"', script, line])
        .toString()
        .split("\n")
        .map((found) => found.split("\t")[0])
        .filter((word) => word !== "");

    expect(complete("rowhouse oper")).toEqual(["operations"]);
    expect(complete("rowhouse tenants s")).toEqual(["show", "suspend"]);
    expect(complete("rowhouse --version tenants sus")).toEqual(["suspend"]);
    expect(complete("rowhouse tenants create acme --na")).toEqual(["--name"]);
    expect(complete("rowhouse completion ")).toEqual(expect.arrayContaining(["bash", "fish", "zsh"]));
  });

  it.skipIf(isMissing("zsh"))("of zsh is understood by zsh", async () => {
    const script = join(directory, "_rowhouse");
    writeFileSync(script, (await within(["completion", "zsh"])).stdout);

    expect(() => execFileSync("zsh", ["-f", "-n", script], { stdio: "pipe" })).not.toThrow();
  });

  it.each(["zsh", "fish"])("of %s names every command", async (shell) => {
    const { stdout } = await within(["completion", shell]);

    for (const { path } of all) for (const word of path) expect(stdout).toContain(word);
  });
});

describe("what is printed", () => {
  it("does nothing to a terminal, whatever a tenant is called", () => {
    let printed = "";
    const stdout = { isTTY: true, write: (some: string) => (printed += some) };
    const evil = "\u001b]0;title\u0007\u009b31m\u202egnp\n";

    createOutput(false, { stdout, stderr: stdout } as never).rows([evil], [["name", (name) => name]]);
    createOutput(true, { stdout, stderr: stdout } as never).fields({ name: evil });

    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(printed.replaceAll(/\u001b\[\d+m/g, "")).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(printed).toContain("\\u001b]0;title\\u0007");
  });
});

it("asks for tokens for the audience that AuthHero has", () => {
  expect(MANAGEMENT_AUDIENCE).toBe(MANAGEMENT_API_AUDIENCE);
});
