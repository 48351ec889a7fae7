/**
 * Allowance: how many faults of a rule are known from before the rule was made. It is exact: one
 * fault more is a new one, and one fewer must lower the number, or the next fault would hide in the
 * gap.
 */

/** What `found` faults of a rule mean where `allowed` are known. */
export function verdictOn(name, found, allowed) {
  if (found > allowed) {
    const message = allowed === 0 ? "" : `${name}: ${found} found, ${allowed} allowed`;
    return { hasFailed: true, listsFaults: true, message };
  }
  if (found < allowed) {
    const message = `${name}: ${found} found, ${allowed} allowed: write ${found} in scripts/tidy.mjs`;
    return { hasFailed: true, listsFaults: false, message };
  }
  return { hasFailed: false, listsFaults: false, message: "" };
}
