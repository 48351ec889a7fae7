/**
 * Logins: who may log in, as this thread last read it. The text protocol's file is read at the
 * start and again after a SIGHUP; a file that has become unreadable or malformed changes nothing.
 * The SASL file is read for every attempt, as memcached does.
 */
import { type Credential, readAuthFile, readSaslFile } from "../config/auth-file.ts";
import type { Settings } from "../config/settings.ts";
import type { Control } from "../memory/control.ts";

export class Logins {
  readonly #settings: Settings;
  readonly #control: Control;
  #generation = -1;
  #text: readonly Credential[] = [];

  constructor(settings: Settings, control: Control) {
    this.#settings = settings;
    this.#control = control;
  }

  text(): readonly Credential[] {
    const generation = this.#control.reloadGeneration();
    if (generation === this.#generation) return this.#text;
    this.#generation = generation;
    try {
      this.#text = readAuthFile(this.#settings.authFile);
    } catch {
      // The primary has said so; whoever could log in still can.
    }
    return this.#text;
  }

  sasl(): readonly Credential[] {
    return readSaslFile(this.#settings.saslPasswordFile);
  }
}
