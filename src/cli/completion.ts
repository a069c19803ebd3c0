import { Argument, type Command, type Option } from "commander";
import { type CommonOptions, describe, does, type Program } from "./command.ts";
import { EXIT } from "./failures.ts";

type Shell = keyof typeof SCRIPTS;

/** `rowhouse completion …`: scripts made of the very commands there are. Nothing runs when Tab is pressed. */
export function addCompletion(root: Command, program: Program): void {
  const completion = describe(root.command("completion"), "Print what lets a shell complete commands and options", [
    "source <(rowhouse completion bash)",
    "rowhouse completion bash > ~/.local/share/bash-completion/completions/rowhouse",
    'rowhouse completion zsh > "$' + '{fpath[1]}/_rowhouse"',
    "rowhouse completion fish > ~/.config/fish/completions/rowhouse.fish",
  ]).addArgument(new Argument("<shell>", "which one").choices(Object.keys(SCRIPTS)));
  does(completion, program, ({ out }, shell: Shell, _options: CommonOptions) => {
    const script = SCRIPTS[shell](placesIn(root));
    if (!out.json({ shell, script })) out.text(script);
    return EXIT.done;
  });
}

/** Where somebody may be on the command line: after which words, and what may come next. */
interface Place {
  readonly path: string;
  readonly next: readonly { readonly word: string; readonly description: string }[];
}

function placesIn(command: Command, path: readonly string[] = []): Place[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command);
  const next = [
    ...commands.map((child) => ({ word: child.name(), description: help.subcommandDescription(child) })),
    ...command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices.map(wordOf)),
    ...help.visibleOptions(command).flatMap((option) => optionOf(option)),
  ];
  const place = { path: path.join(" "), next };
  return [place, ...commands.flatMap((child) => placesIn(child, [...path, child.name()]))];
}

const wordOf = (word: string) => ({ word, description: "" });

const optionOf = ({ long, description }: Option) => (long ? [{ word: long, description }] : []);

/** For all shells that know it: single quotes, and what is in them is itself. */
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

const SCRIPTS = { bash, zsh, fish };

function bash(places: readonly Place[]): string {
  return `# bash completion for rowhouse
_rowhouse() {
  local word place='' words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) case "$place $word" in ${patterns(places)}) place="\${place:+$place }$word" ;; esac ;; esac
  done
  case "$place" in
${places.map(({ path, next }) => `    ${quoted(path)}) words=${quoted(next.map(({ word }) => word).join(" "))} ;;`).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _rowhouse rowhouse
`;
}

/** The words that lead on, behind the place where they do. */
const patterns = (places: readonly Place[]) =>
  places
    .filter(({ path }) => path !== "")
    .map(({ path }) => quoted(path.includes(" ") ? path : ` ${path}`))
    .join("|");

function zsh(places: readonly Place[]): string {
  const described = ({ word, description }: Place["next"][number]) =>
    quoted(`${word}:${description}`.replace(/:$/, ""));
  return `#compdef rowhouse
_rowhouse() {
  local word place=''
  local -a next
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$word" in -*) ;; *) case "$place $word" in ${patterns(places)}) place="\${place:+$place }$word" ;; esac ;; esac
  done
  case "$place" in
${places.map(({ path, next }) => `    ${quoted(path)}) next=(${next.map(described).join(" ")}) ;;`).join("\n")}
  esac
  _describe rowhouse next || _files
}
if [ "$funcstack[1]" = _rowhouse ]; then _rowhouse; else compdef _rowhouse rowhouse; fi
`;
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, next }) => {
    const words = path === "" ? [] : path.split(" ");
    const here = quoted(`__rowhouse_at ${words.join(" ")}`.trim());
    return next.map(({ word, description }) => {
      const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-f -a ${word}`;
      return `complete -c rowhouse -n ${here} ${what}${description ? ` -d ${quoted(description)}` : ""}`;
    });
  });
  return `# fish completion for rowhouse
function __rowhouse_at
  set -l words (commandline -opc)[2..-1]
  set -l place
  for word in $words
    string match -q -- '-*' $word; and continue
    contains -- (string join ' ' $place $word) ${places.flatMap(({ path }) => (path ? quoted(path) : [])).join(" ")}; and set -a place $word
  end
  test "$place" = "$argv"
end
${lines.join("\n")}
`;
}
