import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A fenced block of a document. */
export interface Block {
  /** The line of its fence, from 1. */
  readonly line: number;
  /** What stands behind the fence: `sh`, `console`, `json`, … */
  readonly info: string;
  readonly text: string;
  /** The comment that stands right above it, such as `outside: Turso Cloud`; empty for none. */
  readonly remark: string;
  /** Nothing but blank lines is between it and the block before. */
  readonly follows: boolean;
}

const DIRECTORIES = ["docs", "docs/decisions", "docs/guides", "docs/runbooks"];

/** Every document for readers, README included. */
export const DOCUMENTS: readonly string[] = [
  "README.md",
  ...DIRECTORIES.flatMap((directory) => readdirSync(directory).map((name) => join(directory, name))),
].filter((path) => path.endsWith(".md"));

const FENCE = /^( *)```(\w*)$/;

export function blocksOf(path: string): readonly Block[] {
  const lines = readFileSync(path, "utf8").split("\n");
  const blocks: Block[] = [];
  let open: { line: number; info: string; indent: string; text: string[] } | undefined;
  let between: string[] = [""];
  for (const [index, line] of lines.entries()) {
    const [, indent = "", info = ""] = FENCE.exec(line) ?? [];
    const isFence = FENCE.test(line);
    if (open === undefined && isFence) open = { line: index + 1, info, indent, text: [] };
    else if (open && isFence) {
      const said = between.filter((each) => each.trim() !== "");
      const remark = /^<!-- (.*) -->$/.exec(said.at(-1)?.trim() ?? "")?.[1] ?? "";
      const follows = blocks.length > 0 && said.length === 0;
      blocks.push({ line: open.line, info: open.info, text: open.text.join("\n"), remark, follows });
      open = undefined;
      between = [];
    } else if (open) open.text.push(line.slice(open.indent.length));
    else between.push(line);
  }
  if (open) throw new Error(`${path}:${open.line}: the block has no end`);
  return blocks;
}

/** A command with what the document says it prints; null when it does not say. */
export interface Example {
  readonly line: number;
  readonly command: string;
  readonly prints: string | null;
}

/** What a reader would type, in order: `sh` blocks whole, `console` blocks prompt by prompt. */
export function examplesOf(blocks: readonly Block[]): readonly Example[] {
  return blocks.flatMap((block, index): Example[] => {
    if (block.info === "console") return prompts(block);
    if (block.info !== "sh") return [];
    const next = blocks[index + 1];
    const isOutput = next?.follows === true && (next.info === "json" || next.info === "");
    return [{ line: block.line, command: block.text, prints: isOutput ? next.text : null }];
  });
}

function prompts({ line, text }: Block): Example[] {
  const parts = text.split(/^\$ /m).slice(1);
  return parts.map((part) => {
    const lines = part.split("\n");
    let length = 1;
    // A command goes on in the next line behind a backslash, and while a quotation is open.
    while (length < lines.length && isUnfinished(lines.slice(0, length).join("\n"))) length += 1;
    const prints = lines.slice(length).join("\n").trim();
    return { line, command: lines.slice(0, length).join("\n"), prints: prints === "" ? null : prints };
  });
}

const isUnfinished = (command: string) => command.endsWith("\\") || (command.match(/(?<!\\)'/g) ?? []).length % 2 === 1;

/**
 * Whether something was printed that has the shape of an example: the same but for white space, ids, times and numbers.
 * `…` stands for anything.
 */
export function hasShape(printed: string, example: string): boolean {
  return new RegExp(shapeOf(example), "u").test(printed.replace(/\s+/g, ""));
}

const TIME = /\d{4}-\d\d-\d\dT[\d:.]+Z/u;
// Ids have letters and digits; one in the middle of a word like `sha256` is no id.
const ID = /(?=[\w|~-]*\d)(?=[\w|~-]*[A-Za-z])[\w|~-]{10,}/u;
const NUMBER = /\d+/u;

function shapeOf(example: string): string {
  const token = new RegExp(
    `(?<anything>…)|(?<time>${TIME.source})|(?<id>${ID.source})|(?<number>${NUMBER.source})`,
    "gu",
  );
  const text = example.replace(/\s+/g, "");
  let shape = "";
  let end = 0;
  for (const { 0: found, index, groups = {} } of text.matchAll(token)) {
    shape += literally(text.slice(end, index));
    if (groups.anything) shape += ".*?";
    else if (groups.time) shape += TIME.source;
    else if (groups.id) shape += "[\\w|~.-]+";
    else shape += "\\d+";
    end = index + found.length;
  }
  return shape + literally(text.slice(end));
}

const literally = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
