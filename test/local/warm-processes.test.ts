import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { WarmProcesses } from '../../local/lambda/warm-processes.ts';

/** A process that runs nothing. */
class IdleProcess {
  static #last = 0;
  isAlive = true;
  readonly #onEnd: (ended: IdleProcess) => void;
  readonly pid: number;

  constructor(onEnd: (ended: IdleProcess) => void) {
    IdleProcess.#last += 1;
    this.pid = IdleProcess.#last;
    this.#onEnd = onEnd;
  }

  async kill(): Promise<void> {
    this.isAlive = false;
    this.#onEnd(this);
  }
}

describe('the processes of a function', () => {
  it('serve a burst of short invocations with one process, in order of arrival', async () => {
    const processes = new WarmProcesses((onEnd) => new IdleProcess(onEnd));
    const order: number[] = [];
    const invocations = Array.from({ length: 20 }, async (_, nth) => {
      const process = await processes.take();
      order.push(nth);
      await new Promise((resolve) => setImmediate(resolve));
      processes.putBack(process);
    });
    await Promise.all(invocations);
    expect(order).toEqual(Array.from({ length: 20 }, (_, nth) => nth));
    expect(processes.pids).toHaveLength(1);
    await processes.close(new Error('over'));
  });

  it('are joined by another one in a burst that lasts, up to one per core', async () => {
    const processes = new WarmProcesses((onEnd) => new IdleProcess(onEnd));
    const started = performance.now();
    const isOver = () => processes.pids.length > 1 || performance.now() - started > 20_000;
    // Five callers, each with a next invocation at once: somebody always waits, and never for long.
    const callers = Array.from({ length: 5 }, async () => {
      for (;;) {
        const process = await processes.take();
        await new Promise((resolve) => setTimeout(resolve, 5));
        processes.putBack(process);
        if (isOver()) return;
      }
    });
    await Promise.all(callers);
    expect(processes.pids).toHaveLength(Math.min(2, availableParallelism()));
    await processes.close(new Error('over'));
  });

  it('are joined by another one when none becomes free', async () => {
    const processes = new WarmProcesses((onEnd) => new IdleProcess(onEnd));
    const first = await processes.take();
    const second = await processes.take(); // the first one is never put back
    expect(second).not.toBe(first);
    expect(processes.pids).toHaveLength(2);
    await processes.close(new Error('over'));
  });

  it('are not joined by more than one per core while the cores are busy', async () => {
    const shares = [1, 0.95, 1, 0.5];
    const processes = new WarmProcesses(
      (onEnd) => new IdleProcess(onEnd),
      () => () => shares.shift() ?? 1,
    );
    const cores = availableParallelism();
    for (let core = 0; core < cores; core += 1) await processes.take(); // never put back
    expect(shares).toHaveLength(4);
    await processes.take();
    expect(shares).toEqual([]); // it was started when a core had time
    expect(processes.pids).toHaveLength(cores + 1);
    await processes.close(new Error('over'));
  });

  it('are joined by another one after some seconds, however busy the cores are', async () => {
    let asked = 0;
    const busy = () => () => {
      asked += 1;
      return 1;
    };
    const processes = new WarmProcesses((onEnd) => new IdleProcess(onEnd), busy);
    for (let nth = 0; nth <= availableParallelism(); nth += 1) await processes.take();
    expect(asked).toBeGreaterThan(5);
    await processes.close(new Error('over'));
  });

  it('are replaced at once when the last one ends while an invocation waits', async () => {
    const processes = new WarmProcesses((onEnd) => new IdleProcess(onEnd));
    const first = await processes.take();
    const waiting = processes.take();
    await first.kill();
    expect(await waiting).not.toBe(first);
    expect(processes.pids).toHaveLength(1);
    await processes.close(new Error('over'));
  });

  it('refuse waiting calls when they are closed', async () => {
    const processes = new WarmProcesses((onEnd) => new IdleProcess(onEnd));
    await processes.take();
    const refused = expect(processes.take()).rejects.toThrow('over');
    await processes.close(new Error('over'));
    await refused;
    expect(processes.pids).toEqual([]);
  });
});
