import * as z from "zod";
import { CHAPTERS } from "../src/config/settings.ts";

const HEAD = `Rowhouse reads these from the environment, and from a file .env in the directory it is started in; the environment wins.
The value shown is the default: nothing here has to be set. A blank value counts as not set.
Each may be given as a file instead, as container secrets are: ENCRYPTION_KEY_FILE=/run/secrets/key.
A wrong value stops the start; all problems are then listed at once, by name.
Made of src/config/settings.ts by \`npm run documents\`.`;

const LINE_MAX = 118;

/** `.env.example`: every setting with its description and its default. */
export function envExample(): string {
  const chapters = Object.entries(CHAPTERS).map(([title, settings]) => {
    const entries = described(settings).map(
      ({ name, description, value }) => `${comment(description)}\n${name}=${value}\n`,
    );
    return [`# --- ${title} ---\n`, ...entries].join("\n");
  });
  return [`${HEAD.replaceAll(/^/gm, "# ")}\n`, ...chapters].join("\n");
}

/** The tables of docs/configuration.md. */
export function settingsTable(): string {
  const chapters = Object.entries(CHAPTERS).map(([title, settings]) => {
    const rows = described(settings).map(
      ({ name, description, value }) => `| \`${name}\` | ${value && `\`${value}\``} | ${description} |\n`,
    );
    return `## ${title}\n\n| variable | default | |\n|---|---|---|\n${rows.join("")}`;
  });
  return chapters.join("\n");
}

interface Described {
  readonly name: string;
  readonly description: string;
  /** The default as one would write it; blank where there is none, or where it follows from something else. */
  readonly value: string;
}

function described(settings: z.core.$ZodShape): Described[] {
  const { properties = {} } = z.toJSONSchema(z.object(settings), { io: "input", unrepresentable: "any" });
  return Object.entries(properties).map(([name, property]) => {
    if (typeof property === "boolean" || !property.description) throw new Error(`${name} has no description`);
    return { name, description: property.description, value: String(property.default ?? "") };
  });
}

function comment(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length >= LINE_MAX) lines.push(`# ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join("\n");
}
