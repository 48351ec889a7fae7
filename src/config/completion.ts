/**
 * Shell completion: a script for bash, zsh or fish that completes the options, and the values of
 * those that take a file, a folder, a user, one of a few words, or the words of -o.
 *
 *   shardcached --completion bash > /etc/bash_completion.d/shardcached
 *   source <(shardcached --completion zsh)
 *
 * All of it is derived from the option table, so it cannot fall behind. What is refused here, or is
 * taken for memcached's sake and changes nothing, is not offered.
 */
import type { Option, Shell } from "./option.ts";
import { OPTIONS } from "./options.ts";
import { SUBOPTIONS } from "./suboptions.ts";

/** Options of builds we are not, and of machinery we have not. */
const NOT_OFFERED: ReadonlySet<string> = new Set([
  "enable-ssl",
  "slab-growth-factor",
  "slab-min-size",
  "enable-largepages",
  "napi-ids",
  "persistence-dir",
  "memcached-dir",
]);
/** The suboptions that change something here. */
const SUBOPTIONS_OFFERED: ReadonlySet<string> = new Set([
  "maxconns_fast",
  "no_maxconns_fast",
  "idle_timeout",
  "read_buf_mem_limit",
  "track_sizes",
  "lru_crawler",
  "no_lru_crawler",
  "watcher_logbuf_size",
  "worker_logbuf_size",
  "socket_threads",
  "busy_poll",
  "lending",
  "no_lending",
  "udp_multi_datagram",
  "no_udp_multi_datagram",
  "debug",
]);
/** What `shardcached top` takes. */
const TOP_FLAGS = ["-n"];
/** What `shardcached cluster` takes first. */
const CLUSTER_WORDS = ["status", "ring", "owner", "forget"];
/** A line of a menu. */
const SUMMARY_LENGTH_MAX = 60;

const OFFERED = OPTIONS.filter(({ name }) => !NOT_OFFERED.has(name));

/** What stands behind an option, as far as a shell can help with it. */
type Kind = "none" | "file" | "user" | "choice" | "suboptions" | "free";

function kindOf({ name, argument, choices }: Option): Kind {
  if (argument === "") return "none";
  if (choices !== undefined) return "choice";
  if (name === "extended") return "suboptions";
  if (argument === "file" || argument === "user") return argument;
  return "free";
}

/** Suboptions that take a value end in `=`. */
function suboptionWords(): string {
  return SUBOPTIONS.filter(({ name }) => SUBOPTIONS_OFFERED.has(name))
    .map(({ name, missing }) => (missing === null ? name : `${name}=`))
    .join(" ");
}

function flagsOf({ letter, name, aliases = [] }: Option): string[] {
  const long = [name, ...aliases].map((each) => `--${each}`);
  return letter === "" ? long : [`-${letter}`, ...long];
}

/** The help's first sentence, cut to what a menu shows. */
function summary({ help }: Option): string {
  const sentence = help.join(" ").replace(/( \(|: |; |, ).*$/, "");
  if (sentence.length <= SUMMARY_LENGTH_MAX) return sentence;
  return `${sentence.slice(0, SUMMARY_LENGTH_MAX - 1).replace(/\s+\S*$/, "")} …`;
}

/** The completion script of `shell`. */
export function completionScript(shell: Shell): string {
  return { bash, zsh, fish }[shell]();
}

/** bash cuts words at `=`, so `--protocol=asc` arrives as three. */
function bash(): string {
  const patterns = (kind: Kind) =>
    OFFERED.filter((option) => kindOf(option) === kind)
      .flatMap(flagsOf)
      .join("|");
  const choices = OFFERED.filter((option) => kindOf(option) === "choice").map(
    (option) =>
      `    ${flagsOf(option).join("|")}) COMPREPLY=($(compgen -W "${option.choices?.join(" ")}" -- "$current")); return ;;`,
  );
  return `# bash completion for shardcached; made by: shardcached --completion bash
_shardcached() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} head=
  [[ $current == = ]] && current=
  [[ $previous == = && $COMP_CWORD -ge 2 ]] && previous=\${COMP_WORDS[COMP_CWORD-2]}
  [[ \${COMP_WORDS[COMP_CWORD]} == = ]] && previous=\${COMP_WORDS[COMP_CWORD-1]}
  if [[ \${COMP_WORDS[1]} == top && $COMP_CWORD -gt 1 ]]; then
    COMPREPLY=($(compgen -W "${TOP_FLAGS.join(" ")}" -- "$current")); return
  fi
  if [[ \${COMP_WORDS[1]} == cluster && $COMP_CWORD -gt 1 ]]; then
    [[ $COMP_CWORD -eq 2 ]] && COMPREPLY=($(compgen -W "${CLUSTER_WORDS.join(" ")}" -- "$current"))
    return
  fi
  case $previous in
${choices.join("\n")}
    ${patterns("suboptions")})
      [[ $current == *,* ]] && head=\${current%,*},
      compopt -o nospace
      COMPREPLY=($(compgen -P "$head" -W "${suboptionWords()}" -- "\${current##*,}")); return ;;
    ${patterns("file")}) compopt -o filenames; COMPREPLY=($(compgen -f -- "$current")); return ;;
    ${patterns("user")}) COMPREPLY=($(compgen -u -- "$current")); return ;;
    ${patterns("free")}) return ;;
  esac
  COMPREPLY=($(compgen -W "${OFFERED.flatMap(flagsOf).join(" ")}" -- "$current"))
  [[ $COMP_CWORD -eq 1 ]] && COMPREPLY+=($(compgen -W "top cluster" -- "$current"))
  return 0
}
complete -F _shardcached shardcached
`;
}

const ZSH_ACTIONS: Readonly<Record<Exclude<Kind, "choice" | "none">, string>> = {
  file: "_files",
  user: "_users",
  suboptions: `_sequence compadd -S '' - ${suboptionWords()}`,
  free: " ",
};

function zsh(): string {
  const specs = OFFERED.map((option) => {
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
  if [[ \${words[2]} == top && $CURRENT -gt 2 ]]; then
    _arguments '-n[end after so many looks]:looks:' '2:address of the admin server:' && return
  fi
  if [[ \${words[2]} == cluster && $CURRENT -gt 2 ]]; then
    _arguments '2:what:(${CLUSTER_WORDS.join(" ")})' '*: : ' && return
  fi
  _arguments -s -S \\
${specs.map((spec) => `  ${spec}`).join(" \\\n")} \\
    '1::command:(top cluster)'
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

const FISH_NOT_TOP = "not __fish_seen_subcommand_from top cluster";

function fish(): string {
  const lines = OFFERED.flatMap((option) =>
    [option.name, ...(option.aliases ?? [])].map((name, index) => {
      const letter = option.letter === "" || index > 0 ? "" : ` -s ${option.letter}`;
      const text = summary(option).replaceAll(/[\\']/g, "\\$&");
      return `complete -c shardcached -n '${FISH_NOT_TOP}'${letter} -l ${name}${fishArgument(option)} -d '${text}'`;
    }),
  );
  return `# fish completion for shardcached; made by: shardcached --completion fish
complete -c shardcached -f
complete -c shardcached -n __fish_use_subcommand -a top -d 'show a running node'
complete -c shardcached -n __fish_use_subcommand -a cluster -d 'show the cluster of a running node'
complete -c shardcached -n '__fish_seen_subcommand_from cluster' -a '${CLUSTER_WORDS.join(" ")}'
complete -c shardcached -n '__fish_seen_subcommand_from top' -s n -x -d 'end after so many looks'
${lines.join("\n")}
`;
}

function fishArgument(option: Option): string {
  switch (kindOf(option)) {
    case "none":
      return "";
    case "file":
      return " -r -F";
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
