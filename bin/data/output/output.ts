/** Where lines go that are worth something only if all of them are there. */
export interface Output {
  /** Writes complete lines. The memory may be used again afterwards. Errors: those of the system. */
  write(lines: Uint8Array): Promise<void>;
  /** Says that all lines are written. */
  succeed(): Promise<void>;
  /** Makes sure that nobody takes what was written for all of it. Nothing is written after it. Does nothing after `succeed`. */
  fail(): Promise<void>;
}
