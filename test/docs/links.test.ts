import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { DOCUMENTS } from "../support/documents.ts";

/** A document without its fenced blocks, in which nothing is a link. */
const prose = (path: string) => readFileSync(path, "utf8").replace(/^ *```[\s\S]*?^ *```$/gm, "");

/** The anchors that a forge makes of headings: lower case, dashes for blanks, no punctuation, the second of a name with `-1`. */
function anchorsOf(path: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of prose(path).matchAll(/^#+ (.+)$/gm)) {
    const plain = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
    let anchor = plain;
    for (let count = 1; anchors.has(anchor); count += 1) anchor = `${plain}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

describe("the documents", () => {
  it.each(DOCUMENTS)("%s links to what exists", (path) => {
    const broken = [...prose(path).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = ""]) => {
      if (/^https?:|^mailto:/.test(target)) return [];
      const [file = "", anchor] = target.split("#");
      const linked = file === "" ? path : normalize(join(dirname(path), file));
      if (!existsSync(linked)) return [target];
      if (anchor === undefined) return [];
      return statSync(linked).isFile() && anchorsOf(linked).has(anchor) ? [] : [target];
    });

    expect(broken).toEqual([]);
  });

  it.each(DOCUMENTS.filter((path) => !path.startsWith("docs/decisions")))("%s names tests that exist", (path) => {
    const named = [...prose(path).matchAll(/`(test\/[\w./-]+)`/g)].map(([, file = ""]) => file);

    expect(named.filter((file) => !existsSync(file))).toEqual([]);
  });

  it("are found from the index", () => {
    const index = readFileSync("docs/README.md", "utf8");
    const unlisted = DOCUMENTS.filter((path) => path.startsWith("docs/") && path !== "docs/README.md")
      .filter((path) => !path.startsWith("docs/decisions/"))
      .filter((path) => !index.includes(`](${path.slice("docs/".length)})`));

    expect(unlisted).toEqual([]);
  });

  it("says of every promise how it is tested", () => {
    const promises =
      prose("docs/security.md")
        .split("## What is not promised")[0]
        ?.split(/\n\n(?=\*\*)/)
        .slice(1) ?? [];

    expect(promises.length).toBeGreaterThan(10);
    for (const promise of promises) expect(promise, promise.slice(0, 80)).toMatch(/\*Tested by\*\s+`test\//);
  });
});
