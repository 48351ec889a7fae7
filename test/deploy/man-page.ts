/**
 * The man page, made from what says the same things already: the option table and
 * config/shardcached.conf. Only what stands in neither is written here.
 */
import { flagText, type Option } from "../../src/config/option.ts";
import { OPTION_BY_NAME, OPTIONS } from "../../src/config/options.ts";

/** A line that sets an option: `# port = 11211`. */
const SETTING = /^# ([a-z][a-z-]*) =(?: (.*))?$/;
const HEADING = /^# ---- (.*?) -+$/;
/** The head of the file ends with the first empty line; it speaks of the file itself. */
const HEAD_END = "\n\n";

/** What the configuration file says of some options. */
interface Passage {
  readonly heading: string;
  readonly text: string;
  readonly settings: readonly { readonly name: string; readonly standard: string }[];
}

/** Cuts the configuration file into passages: comment lines up to the settings they explain. */
export function passagesOf(config: string): Passage[] {
  const passages: Passage[] = [];
  let heading = "";
  for (const block of config.slice(config.indexOf(HEAD_END)).split(/\n\n+/)) {
    const lines = block.split("\n").filter((line) => line !== "" && line !== "#");
    const title = HEADING.exec(lines[0] ?? "");
    if (title !== null) {
      heading = title[1] as string;
      continue;
    }
    const settings = lines
      .map((line) => SETTING.exec(line))
      .filter((match) => match !== null)
      .map(([, name, standard]) => ({ name: name as string, standard: standard ?? "" }));
    const text = lines.filter((line) => !SETTING.test(line)).map((line) => line.slice(2));
    if (settings.length > 0) passages.push({ heading, text: text.join(" "), settings });
  }
  return passages;
}

/**
 * Text for roff: what it would take for a request or an escape is escaped; options are set bold.
 */
function roff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll(/^(['.])/gm, "\\&$1")
    .replaceAll("'", "\\(aq")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti")
    .replaceAll("…", "...");
}

function head(option: Option): string {
  const argument = option.argument === "" ? "" : `=\\fI${option.argument}\\fR`;
  return `.B ${roff(flagText(option))}${argument}`;
}

function optionsSection(config: string): string {
  const lines: string[] = [];
  const told = new Set<string>();
  let heading = "";
  for (const passage of passagesOf(config)) {
    if (passage.heading !== heading) lines.push(`.SS ${roff(passage.heading)}`);
    heading = passage.heading;
    passage.settings.forEach(({ name }, index) => {
      told.add(name);
      lines.push(index === 0 ? ".TP" : ".TQ", head(OPTION_BY_NAME.get(name) as Option));
    });
    const standards = passage.settings.map(({ standard }) => standard).filter((each) => each);
    const ending = standards.length === 0 ? "" : ` Default: ${standards.join("; ")}.`;
    lines.push(roff(passage.text + ending));
  }
  lines.push(".SS Other");
  for (const option of OPTIONS.filter(({ name }) => !told.has(name))) {
    lines.push(".TP", head(option), roff(`${option.help.join(" ")}.`));
  }
  return lines.join("\n");
}

/** The whole page. */
export function manPage(config: string, version: string): string {
  return `.\\" Made from config/shardcached.conf and the option table: npx vitest run test/deploy/man-page -u
.TH SHARDCACHED 8 "" "shardcached ${version}" "System Administration"
.SH NAME
shardcached \\- memcached\\-compatible cache server that uses every core
.SH SYNOPSIS
.B shardcached
.RI [ options ]
.br
.B shardcached top
.RI [ url ]
.RB [ \\-n
.IR looks ]
.br
.B shardcached cluster
.BR status " | " ring " | "
.BI owner  key
.RB [ \\-\\-hash
.IR family ]
.BR | " forget"
.I name
.RI [ url ]
.SH DESCRIPTION
.B shardcached
keeps items in memory and serves them to any memcached client, by the text, meta and binary protocols, on TCP and Unix
sockets. Each worker thread serves its own connections and owns one part (shard) of the cache.
.PP
.B shardcached top
shows a running node in the terminal, once a second, over its admin HTTP server.
.PP
.B shardcached cluster
shows the cluster of a running node, says which node owns a key for each family of clients, and takes a dead node out of
an etcd cluster.
.SH OPTIONS
Options come from the command line, from the environment (\\fBSHARDCACHED_PORT\\fR for \\fB\\-\\-port\\fR) or from the file of
\\fB\\-\\-config\\fR, where each is a line \\fIname\\fR = \\fIvalue\\fR. The command line wins over the environment, the environment over
the file. A switch takes yes or no in the environment and in a file.
${optionsSection(config)}
.SH ENVIRONMENT
.TP
.BI SHARDCACHED_ NAME
The option of that long name, in capitals, with _ for \\-.
.TP
.B SHARDCACHED_CONFIG
The file to read, like \\fB\\-\\-config\\fR.
.TP
.B SHARDCACHED_ADMIN_TOKEN
The token for changes over admin HTTP; at least 16 characters.
.TP
.B MEMCACHED_PORT_FILENAME
A file the bound ports are written to once they listen.
.TP
.B MEMCACHED_SASL_PWDB
The file of user:password lines for \\fB\\-S\\fR.
.TP
.BR LISTEN_FDS ", " LISTEN_PID
Sockets the service manager has opened are served instead of \\fB\\-p\\fR, \\fB\\-l\\fR and \\fB\\-s\\fR.
.TP
.B NOTIFY_SOCKET
Where systemd hears when connections are accepted, and when the server begins to stop.
.SH SIGNALS
.TP
.BR SIGTERM ", " SIGINT ", " SIGUSR1
Accept no more, answer what has been read, exit with 0. A second one does not wait.
.TP
.B SIGHUP
Read the configuration and the file of \\fB\\-Y\\fR again. \\fBverbosity\\fR and logins take effect; the log names changes that wait for a
restart.
.SH EXIT STATUS
.TP
.B 0
It was stopped in order, or what was asked for was printed.
.TP
.BR 1 ", " 64
An option, or a combination of them, cannot be served; one line says which and what is allowed.
.TP
.B 67
The user of \\fB\\-u\\fR does not exist.
.TP
.B 70
A bug.
.TP
.B 71
The system refused: a port in use, too few descriptors.
.SH FILES
.TP
.I config/shardcached.conf
Every option with its default, as a file to start from.
.SH EXAMPLES
.TP
.B shardcached \\-m 1024 \\-t 4 \\-l 10.0.0.5
1 GiB of items, 4 threads, one address.
.TP
.B shardcached \\-\\-check\\-config \\-\\-config /etc/shardcached.conf
Says what is wrong with a file, or that it is good.
.TP
.B shardcached \\-\\-completion bash > /etc/bash_completion.d/shardcached
Completion of these options in bash.
.SH SEE ALSO
.BR memcached (1)
`;
}
