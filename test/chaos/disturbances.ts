import { setTimeout as wait } from 'node:timers/promises';
import type { EventRecorder } from './event-recorder.ts';
import { isFunctionProcess, type KillableRuntime } from './killable-runtime.ts';
import type { LedgerItem, Outside } from './outside.ts';
import type { Random } from './user-actions.ts';

/**
 * How long a function is frozen, in milliseconds of wall time. Meanwhile, the runtime's time is slow (docs/adr/0002).
 */
const FROZEN_MS = { least: 200, more: 1_800 };
const BETWEEN_BLOWS_MS = { least: 150, more: 700 };
const BETWEEN_REPETITIONS_MS = { least: 100, more: 400 };
const THAWED_AFTER_RESTART_MS = 1_500; // 15 minutes of the runtime's time, so its lease is over

/** What was done to the runtime and its functions. */
export interface Blows {
  functionsKilled: number;
  functionsFrozen: number;
  runtimeKilled: number;
  /** Functions that were frozen when the runtime was killed, and thawed when another one had replaced it. */
  thawedAfterTheirRuntime: number;
  repetitions: number;
}

/** Kills, freezes and repeats at random until it is stopped. */
export class Disturbances {
  readonly blows: Blows = {
    functionsKilled: 0,
    functionsFrozen: 0,
    runtimeKilled: 0,
    thawedAfterTheirRuntime: 0,
    repetitions: 0,
  };
  readonly #runtime: KillableRuntime;
  readonly #outside: Outside;
  readonly #ear: EventRecorder;
  readonly #random: Random;
  readonly #frozen = new Set<number>();
  #stopped = false;

  constructor(runtime: KillableRuntime, outside: Outside, ear: EventRecorder, random: Random) {
    this.#runtime = runtime;
    this.#outside = outside;
    this.#ear = ear;
    this.#random = random;
  }

  /** Resolves once `stop` was called and nothing is frozen any more. */
  async run(): Promise<void> {
    try {
      await Promise.all([this.#strikeOn(), this.#repeatOn()]);
    } finally {
      for (const pid of this.#frozen) this.#thaw(pid);
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Kills the runtime while functions are frozen, starts it again, and then lets these functions continue. */
  async killRuntime(): Promise<void> {
    const frozen = this.#runtime.functionPids().filter((pid) => this.#freeze(pid));
    try {
      await this.#runtime.kill();
      this.blows.runtimeKilled += 1;
      await this.#runtime.start();
      await wait(THAWED_AFTER_RESTART_MS);
    } finally {
      for (const pid of frozen) if (this.#thaw(pid)) this.blows.thawedAfterTheirRuntime += 1;
    }
  }

  async #strikeOn(): Promise<void> {
    while (!this.#stopped) {
      await wait(this.#between(BETWEEN_BLOWS_MS));
      const pids = this.#runtime.functionPids().filter((pid) => !this.#frozen.has(pid));
      const pid = pids[Math.floor(this.#random() * pids.length)];
      if (pid === undefined) continue;
      if (this.#random() < 0.6) {
        if (signal(pid, 'SIGKILL')) this.blows.functionsKilled += 1;
      } else if (this.#freeze(pid)) {
        this.blows.functionsFrozen += 1;
        await wait(this.#between(FROZEN_MS));
        this.#thaw(pid);
      }
    }
  }

  async #repeatOn(): Promise<void> {
    let items: LedgerItem[] = [];
    while (!this.#stopped) {
      await wait(this.#between(BETWEEN_REPETITIONS_MS));
      if (this.#random() < 0.3) items = await this.#outside.ledger();
      const upload = this.#pick(this.#ear.uploads);
      const item = this.#pick(items);
      if (upload !== undefined && this.#random() < 0.4) await this.#outside.send('intake', upload);
      else if (item !== undefined) await this.#repeat(item);
      else continue;
      this.blows.repetitions += 1;
    }
  }

  /** Sends each upload and each work message once more, because late duplicates must change nothing. */
  async repeatEverything(): Promise<void> {
    for (const upload of this.#ear.uploads) await this.#outside.send('intake', upload);
    const items = await this.#outside.ledger();
    for (const item of items) await this.#repeat(item);
    this.blows.repetitions += this.#ear.uploads.length + items.length;
  }

  async #repeat({ jobId, part }: LedgerItem): Promise<void> {
    const stage = this.#random() < 0.5 ? 'delivery' : part === undefined ? 'intake' : 'submission';
    const message = part === undefined ? { jobId } : { ref: { jobId, ...part } };
    await this.#outside.send(stage, JSON.stringify(message));
  }

  #freeze(pid: number): boolean {
    if (!signal(pid, 'SIGSTOP')) return false;
    this.#frozen.add(pid);
    return true;
  }

  #thaw(pid: number): boolean {
    this.#frozen.delete(pid);
    return isFunctionProcess(pid) && signal(pid, 'SIGCONT');
  }

  #between({ least, more }: { least: number; more: number }): number {
    return least + this.#random() * more;
  }

  #pick<T>(things: readonly T[]): T | undefined {
    return things[Math.floor(this.#random() * things.length)];
  }
}

/** Returns false if there is no such process any more. */
function signal(pid: number, name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
