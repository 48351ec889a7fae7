/**
 * Errors away from the request path. Each class has a stable `code`; its message tells the operator
 * what to do next. The request path throws none of these: what a client can cause there is a
 * Status.
 */

/** A wrong option, argument or configuration line. `exitCode` is the one memcached would give. */
export class ConfigError extends Error {
  readonly code = "ERR_CONFIG";
  override readonly name = "ConfigError";
  readonly exitCode: number;

  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** The operating system refused something: a bind, a descriptor, memory. */
export class SystemError extends Error {
  readonly code = "ERR_SYSTEM";
  override readonly name = "SystemError";
  readonly exitCode: number;

  constructor(message: string, exitCode = 71, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
