import type { DueItem } from '../../../functions/shared/domain/ledger-records.ts';
import type { Ports } from '../../../functions/shared/ports/ports.ts';
import type { Invocation } from './invocation.ts';
import { nameOf } from './ledger-watch.ts';

/** A call that takes this long hangs. This is the adapter's deadline for small calls. */
const HANGS_MS = 10_000;
/** A tick that has read what is due within this time handles all of it at once. */
const READ_IN_TIME_MS = 10_000;

/** Watches the ticks of POLL: no item may wait until a call about another one ends. */
export class HangWatch {
  readonly #now: () => number;
  /** Items that a tick began to handle only after a call about another item had hung. */
  readonly waited: string[] = [];
  /** How many calls hung while a tick had other items to handle. */
  examined = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Returns the ports of one tick, with a watch on their calls. */
  watched<P extends Pick<Ports, 'ledger' | 'api'>>(ports: P, invocation: Invocation): P {
    const began = this.#now();
    const listed = new Set<string>();
    const touched = new Set<string>();
    const { ledger, api } = ports;
    const touch = (item: Parameters<typeof nameOf>[0]) => void touched.add(nameOf(item));
    return {
      ...ports,
      ledger: {
        ...ledger,
        due: async (...args: Parameters<typeof ledger.due>) => {
          const items = await ledger.due(...args);
          if (this.#now() > began + READ_IN_TIME_MS) listed.clear();
          else for (const item of items) if (!isObservedTogether(item)) listed.add(nameOf(item));
          return items;
        },
        readJob: (jobId: string) => {
          touch({ jobId });
          return ledger.readJob(jobId);
        },
        readPart: (ref: Parameters<typeof ledger.readPart>[0]) => {
          touch(ref);
          return ledger.readPart(ref);
        },
      },
      api: new Proxy(api, {
        get: (target, name) => {
          const method: unknown = Reflect.get(target, name);
          if (typeof method !== 'function' || name === 'readFile') return method;
          return (...args: unknown[]) => {
            const waiting = new Set(listed);
            const sentAt = this.#now();
            const answer = Reflect.apply(method, target, args) as Promise<unknown>;
            const check = () => this.#check(sentAt, invocation, waiting, touched);
            answer.then(check, check);
            return answer;
          };
        },
      }),
    };
  }

  #check(
    sentAt: number,
    { id, frozenUntil }: Invocation,
    waiting: ReadonlySet<string>,
    touched: ReadonlySet<string>,
  ): void {
    if (this.#now() - sentAt < HANGS_MS || frozenUntil > sentAt || waiting.size < 2) return;
    this.examined += 1;
    for (const name of waiting)
      if (!touched.has(name)) this.waited.push(`${name} waited in ${id} for a call about another item`);
  }
}

/** Open batches are observed together, and waiting parts are admitted together, so they have no step of their own. */
function isObservedTogether(item: DueItem): boolean {
  return item.kind === 'part' && (item.open !== undefined || item.waits !== undefined);
}
