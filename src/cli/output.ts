import { styleText } from "node:util";
import Table from "cli-table3";

/** A column of a table: what stands above it, and what of a row stands in it. */
export type Column<T> = readonly [title: string, of: (row: T) => Cell];
export type Cell = string | number | boolean | null | undefined;

/** Where a command writes, and how: for people, for programs (piped), or one JSON document. */
export interface Output {
  /** Whether somebody looks at it. */
  readonly isTerminal: boolean;
  /** Prints the value, where JSON is wanted, and answers whether it is. */
  json(value: unknown): boolean;
  /** Rows of one kind: a table on a terminal, lines with tabs in between when piped. */
  rows<T>(rows: readonly T[], columns: readonly Column<T>[]): void;
  /** One thing: its fields below each other. In JSON the value, if it has more to say. */
  fields(fields: Readonly<Record<string, Cell>>, value?: unknown): void;
  /** A line of the result. Not in JSON. */
  line(text: string): void;
  /** A text that is the result, as it stands, also with `--json`. */
  text(text: string): void;
  /** What is no result, for whoever looks: on the standard error, so that pipes stay clean. Not with `--json`. */
  note(text: string): void;
}

export function createOutput(isJson: boolean, { stdout, stderr }: Pick<NodeJS.Process, "stdout" | "stderr">): Output {
  const isTerminal = Boolean(stdout.isTTY) && !isJson;
  const print = (text: string) => void stdout.write(text);

  const json = (value: unknown) => {
    if (isJson) print(`${asJson(value)}\n`);
    return isJson;
  };

  return {
    isTerminal,
    json,

    rows(rows, columns) {
      if (json(rows)) return;
      const cells = rows.map((row) => columns.map(([, of]) => shown(of(row))));
      if (!isTerminal) return print(cells.map((line) => `${line.join("\t")}\n`).join(""));
      print(
        `${tableOf(
          columns.map(([title]) => bold(title)),
          cells.map((line) => line.map(coloured)),
        )}\n`,
      );
    },

    fields(fields, value = fields) {
      if (json(value)) return;
      const cells = Object.entries(fields).map(([name, value]) => [name, shown(value)] as const);
      const width = Math.max(...cells.map(([name]) => name.length));
      for (const [name, value] of cells) {
        print(isTerminal ? `${bold(name.padEnd(width))}  ${coloured(value)}\n` : `${name}\t${value}\n`);
      }
    },

    line(text) {
      if (!isJson) print(`${visible(text)}\n`);
    },

    text: print,

    note(text) {
      if (!isJson) stderr.write(`${text}\n`);
    },
  };
}

const FRAMELESS = {
  ...{ top: "", "top-mid": "", "top-left": "", "top-right": "" },
  ...{ bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" },
  ...{ left: "", "left-mid": "", mid: "", "mid-mid": "", right: "", "right-mid": "", middle: "  " },
};

function tableOf(head: string[], rows: string[][]): string {
  // Without colours of its own: what is coloured here heeds NO_COLOR.
  const style = { head: [], border: [], "padding-left": 0, "padding-right": 0 };
  const table = new Table({ head, style, chars: FRAMELESS });
  table.push(...rows);
  return table.toString().replaceAll(/ +$/gm, "");
}

const shown = (cell: Cell): string => (cell === null || cell === undefined ? "-" : visible(String(cell)));

/** Names are other people's: what would move the cursor, change colours or end the line is shown instead of done. */
function visible(text: string): string {
  return text.replaceAll(CONTROLS, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** C0, DEL, C1, and what turns the direction of writing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** JSON leaves C1 and direction marks as they are; terminals obey them. */
const asJson = (value: unknown) =>
  JSON.stringify(value, null, 2).replaceAll(/[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, visible);

export const bold = (text: string) => styleText("bold", text);

const COLOURS: Readonly<Record<string, "green" | "yellow" | "red">> = {
  ...{ ready: "green", done: "green", ok: "green", repaired: "green", gone: "green", yes: "green" },
  ...{
    running: "yellow",
    suspended: "yellow",
    read_only: "yellow",
    deleted: "yellow",
    left: "yellow",
    found: "yellow",
  },
  ...{ failed: "red", halted: "red", unreachable: "red" },
};

/** A word that says how something stands, in its colour; `styleText` leaves colours out where they are not wanted. */
function coloured(text: string): string {
  const colour = Object.hasOwn(COLOURS, text) ? COLOURS[text] : undefined;
  return colour ? styleText(colour, text) : text;
}
