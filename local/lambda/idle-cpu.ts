import { cpus } from 'node:os';

/** Measures how idle the machine's processors are. */
export class IdleCpu {
  #since = times();

  /**
   * Returns the share of the processors' time, from 0 to 1, that was idle since the call before; 1 if the system does
   * not tell.
   */
  share(): number {
    const before = this.#since;
    this.#since = times();
    const all = this.#since.all - before.all;
    return all > 0 ? (this.#since.idle - before.idle) / all : 1;
  }
}

function times(): { all: number; idle: number } {
  const sum = { all: 0, idle: 0 };
  for (const { times: spent } of cpus()) {
    sum.idle += spent.idle;
    sum.all += spent.idle + spent.nice + spent.user + spent.sys + spent.irq;
  }
  return sum;
}
