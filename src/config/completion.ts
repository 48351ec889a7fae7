/**
 * Shell completion: a script for bash, zsh or fish that completes the options, and the values of
 * those that take a file, a folder, a user, one of a few words, or the words of -o.
 *
 *   shardcached --completion bash > /etc/bash_completion.d/shardcached
 *   source <(shardcached --completion zsh)
 *
 * All of it is derived from the option table, so it cannot fall behind.
 */
import type { Option, Shell } from "./option.ts";
import { OPTIONS } from "./options.ts";
import { SUBOPTIONS } from "./suboptions.ts";

/** What stands behind an option, as far as a shell can help with it. */
type Kind = "none" | "file" | "dir" | "user" | "choice" | "suboptions" | "free";

function kindOf({ name, argument, choices }: Option): Kind {
  if (argument === "") return "none";
  if (choices !== undefined) return "choice";
  if (name === "extended") return "suboptions";
  if (argument === "file" || argument === "dir" || argument === "user") return argument;
  return "free";
}

/** Suboptions that take a value end in `=`. */
function suboptionWords(): string {
  return SUBOPTIONS.map(({ name, missing }) => (missing === null ? name : `${name}=`)).join(" ");
}

function flagsOf({ letter, name, aliases = [] }: Option): string[] {
  const long = [name, ...aliases].map((each) => `--${each}`);
  return letter === "" ? long : [`-${letter}`, ...long];
}

/** The help in one line. */
function summary({ help }: Option): string {
  return help.join(" ");
}

/** The completion script of `shell`. */
export function completionScript(shell: Shell): string {
  return { bash, zsh, fish }[shell]();
}

/** bash cuts words at `=`, so `--protocol=asc` arrives as three. */
function bash(): string {
  const patterns = (kind: Kind) =>
    OPTIONS.filter((option) => kindOf(option) === kind)
      .flatMap(flagsOf)
      .join("|");
  const choices = OPTIONS.filter((option) => kindOf(option) === "choice").map(
    (option) =>
      `    ${flagsOf(option).join("|")}) COMPREPLY=($(compgen -W "${option.choices?.join(" ")}" -- "$current")); return ;;`,
  );
  return `# bash completion for shardcached; made by: shardcached --completion bash
_shardcached() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} head=
  [[ $current == = ]] && current=
  [[ $previous == = && $COMP_CWORD -ge 2 ]] && previous=\${COMP_WORDS[COMP_CWORD-2]}
  [[ \${COMP_WORDS[COMP_CWORD]} == = ]] && previous=\${COMP_WORDS[COMP_CWORD-1]}
  case $previous in
${choices.join("\n")}
    ${patterns("suboptions")})
      [[ $current == *,* ]] && head=\${current%,*},
      compopt -o nospace
      COMPREPLY=($(compgen -P "$head" -W "${suboptionWords()}" -- "\${current##*,}")); return ;;
    ${patterns("file")}) compopt -o filenames; COMPREPLY=($(compgen -f -- "$current")); return ;;
    ${patterns("dir")}) compopt -o filenames; COMPREPLY=($(compgen -d -- "$current")); return ;;
    ${patterns("user")}) COMPREPLY=($(compgen -u -- "$current")); return ;;
    ${patterns("free")}) return ;;
  esac
  COMPREPLY=($(compgen -W "${OPTIONS.flatMap(flagsOf).join(" ")}" -- "$current"))
  if [[ $COMP_CWORD -eq 1 && top == "$current"* ]]; then COMPREPLY+=(top); fi
}
complete -F _shardcached shardcached
`;
}

const ZSH_ACTIONS: Readonly<Record<Exclude<Kind, "choice" | "none">, string>> = {
  file: "_files",
  dir: "_files -/",
  user: "_users",
  suboptions: `_sequence compadd -S '' - ${suboptionWords()}`,
  free: " ",
};

function zsh(): string {
  const specs = OPTIONS.map((option) => {
    const kind = kindOf(option);
    const text = summary(option).replaceAll(/[[\]:\\]/g, "\\$&");
    const flags = flagsOf(option).map((flag) => {
      if (kind === "none") return flag;
      return flag.startsWith("--") ? `${flag}=` : `${flag}+`;
    });
    const own = flagsOf(option).join(" ");
    const exclusion = isRepeated(option) ? "*" : `(${own})`;
    const names = flags.length === 1 ? quoted(flags[0] as string) : `{${flags.join(",")}}`;
    const action = kind === "choice" ? `(${option.choices?.join(" ")})` : actionOf(kind);
    const argument = kind === "none" ? "" : `:${option.argument}:${action}`;
    return `  ${quoted(exclusion)}${names}${quoted(`[${text}]${argument}`)}`;
  });
  return `#compdef shardcached
# zsh completion for shardcached; made by: shardcached --completion zsh
_shardcached() {
  _arguments -s -S \\
${specs.map((spec) => `  ${spec}`).join(" \\\n")} \\
    '1::command:(top)'
}
# A file of fpath is the function itself; sourced, it only makes it known.
if [[ \${funcstack[1]} == _shardcached ]]; then
  _shardcached "$@"
else
  compdef _shardcached shardcached
fi
`;
}

function actionOf(kind: Kind): string {
  return kind === "none" || kind === "choice" ? "" : ZSH_ACTIONS[kind];
}

/** -l and -v add up, and so does -o. */
function isRepeated({ name }: Option): boolean {
  return name === "listen" || name === "verbose" || name === "extended";
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fish(): string {
  const lines = OPTIONS.flatMap((option) =>
    [option.name, ...(option.aliases ?? [])].map((name, index) => {
      const letter = option.letter === "" || index > 0 ? "" : ` -s ${option.letter}`;
      const text = summary(option).replaceAll(/[\\']/g, "\\$&");
      return `complete -c shardcached${letter} -l ${name}${fishArgument(option)} -d '${text}'`;
    }),
  );
  return `# fish completion for shardcached; made by: shardcached --completion fish
complete -c shardcached -f
complete -c shardcached -n __fish_use_subcommand -a top -d 'show a running node'
${lines.join("\n")}
`;
}

function fishArgument(option: Option): string {
  switch (kindOf(option)) {
    case "none":
      return "";
    case "file":
      return " -r -F";
    case "dir":
      return " -x -a '(__fish_complete_directories)'";
    case "user":
      return " -x -a '(__fish_complete_users)'";
    case "choice":
      return ` -x -a '${option.choices?.join(" ")}'`;
    case "suboptions":
      return ` -x -a '(__fish_append , ${suboptionWords()})'`;
    case "free":
      return " -x";
  }
}
