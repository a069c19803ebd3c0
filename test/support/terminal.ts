import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { hasCode } from "../../src/db/files.ts";
import { runnable } from "./compiled.ts";
import type { Example } from "./documents.ts";
import { collect, freePort } from "./program.ts";

/** What happened when a command of a document was typed. */
export interface Typed {
  readonly example: Example;
  /** With the ports that the documents name. */
  readonly printed: string;
  /** Its exit code; null when the terminal did not come so far. */
  readonly code: number | null;
}

export interface TerminalOptions {
  /** Typed before everything, where no reader sees it: what a document takes for granted. */
  readonly given?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether `npm start` and `rowhouse` run the sources with tsx, as they do in a clone; default: compiled for the tests. */
  readonly asCloned?: boolean;
}

/** The ports that documents name: of the service, of a libSQL server and of its admin API. */
const PORTS = [3000, 8090, 8091];

/** What begins the report of a command: nothing that a program prints. */
const MARK = "\u001e";

/**
 * Types commands into one shell, in a directory like a fresh clone, and ends what they have started. `npm ci` is what this
 * checkout has done already, `npm test` and the like have to exist, and `npm start` runs behind, on a port of its own; it is what systemd restarts.
 */
export async function typeAll(examples: readonly Example[], options: TerminalOptions = {}): Promise<readonly Typed[]> {
  const directory = cloneLike();
  const ports = new Map<number, number>();
  for (const named of PORTS) ports.set(named, await freePort());
  const script = [
    PRELUDE,
    options.given ?? "",
    ...examples.flatMap(({ command }, index) => [`\n${renamed(command, ports)}\n`, `report ${index}`]),
  ].join("\n");
  writeFileSync(join(directory, "typed.sh"), script);
  const { PATH, HOME } = process.env;
  const child = spawn("bash", ["typed.sh"], {
    cwd: directory,
    env: {
      PATH,
      HOME,
      ...options.env,
      ...programs(options.asCloned ?? false),
      TEST_PORT: String(ports.get(3000)),
      MARK,
    },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of their own: what was started by something that was started, such as npx, is ended with them.
    detached: true,
  });
  const printed = collect(child);
  await once(child, "close");
  endGroup(child.pid);
  rmSync(directory, { recursive: true, force: true });
  const named = new Map([...ports].map(([port, taken]) => [taken, port]));
  return reportsIn(renamed(printed(), named), examples);
}

function programs(asCloned: boolean) {
  const [server, cli] = ["src/server.ts", "src/cli/main.ts"].map((path) =>
    asCloned ? { options: ["--import", "tsx"], module: path } : runnable(path),
  );
  return { OPTIONS: server?.options.join(" "), SERVER: server?.module, CLI: cli?.module };
}

function endGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, "SIGKILL");
  } catch (error) {
    // Nobody of it is left.
    if (!hasCode(error, "ESRCH")) throw error;
  }
}

const renamed = (text: string, ports: ReadonlyMap<number, number>) =>
  [...ports].reduce((changed, [from, to]) => changed.replaceAll(`:${from}`, `:${to}`), text);

/** Everything a clone has, by link; what commands make is its own. */
function cloneLike(): string {
  const directory = mkdtempSync(join(tmpdir(), "reader-"));
  mkdirSync(directory, { recursive: true });
  for (const name of readdirSync(".")) {
    if (!NOT_CLONED.has(name)) symlinkSync(resolve(name), join(directory, name));
  }
  return directory;
}

const NOT_CLONED = new Set(["data", "dist", "test-results", ".env", ".git"]);

function reportsIn(printed: string, examples: readonly Example[]): readonly Typed[] {
  const parts = printed.split(new RegExp(`${MARK}(\\d+) (\\d+)\\n`));
  return examples.map((example, index) => {
    const found = parts.findIndex((part, at) => at % 3 === 1 && part === String(index));
    if (found < 0) return { example, printed: parts.at(-1) ?? "", code: null };
    return { example, printed: parts[found - 1] ?? "", code: Number(parts[found + 1]) };
  });
}

const PRELUDE = `
report() { printf '\\n%s%s %s\\n' "$MARK" "$1" "\${status:-$?}"; }
# Whoever asks how an operation goes, asks again until it is over.
curl() {
  case "$*" in */operations/0*)
    for _ in $(seq 300); do command curl "$@" 2>/dev/null | grep -q '"status":"running"' || break; sleep 0.2; done ;;
  esac
  command curl "$@" 2>/dev/null
}
# What a package puts on the path.
rowhouse() { PORT=$TEST_PORT node $OPTIONS "$CLI" "$@"; }
# Ends the service, starts it anew on the same data, or both.
systemctl() {
  [ "$2" = rowhouse ] || return 1
  case "$1" in restart|stop) kill "$service" && wait "$service"; rm answer ;; esac
  case "$1" in restart|start) npm start > /dev/null ;; esac
}
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
npm() {
  case "$1" in
    ci) ;;
    start)
      [ -s answer ] && return 0
      PORT=$TEST_PORT node $OPTIONS "$SERVER" > start.log 2>&1 &
      service=$!
      for _ in $(seq 1 900); do
        curl -sf "http://127.0.0.1:$TEST_PORT/healthz" > answer && [ -s data/first-login.txt ] && break
        kill -0 "$service" 2>/dev/null || break
        sleep 0.1
      done
      # At a terminal the first start shows the login, where otherwise only the URL is.
      cat data/first-login.txt start.log; [ -s answer ] ;;
    test) node -e 'process.exit(require("./package.json").scripts.test ? 0 : 1)' ;;
    run) node -e 'process.exit(require("./package.json").scripts[process.argv[1]] ? 0 : 1)' "$2" ;;
    *) command npm "$@" ;;
  esac
}
`;
