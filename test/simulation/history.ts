import { brokenPromises } from './invariants.ts';
import { type FaultRates, NO_FAULTS } from './scheduler.ts';
import { REQUESTS, World } from './world.ts';

/** What became of one seeded history. */
export interface HistoryReport {
  seed: number;
  broken: string[];
  fired: Map<string, number>;
  steps: number;
  jobs: number;
  creates: number;
  trace: string[];
}

const MOST_STEPS = 60_000;
const RATES: FaultRates = {
  failBefore: 0.03,
  failAfter: 0.03,
  die: 0.02,
  slow: 0.03,
  backpressure: 0.1,
  lateCreate: 0.3,
};

/** Plays one history: users and faults for a while, then only time, until everything has come to rest. */
export async function playHistory(seed: number): Promise<HistoryReport> {
  const world = new World(seed, {
    listLagMs: 60_000,
    fate: (nth, random) => fateOf(nth, random),
  });
  world.faults(RATES);
  let steps = 0;
  const wishes = 2 + Math.floor(world.random() * 4);
  for (let wish = 0; wish < wishes; wish += 1) {
    act(world);
    for (let step = Math.floor(world.random() * 250); step > 0; step -= 1, steps += 1) await world.step();
  }
  world.faults(NO_FAULTS);
  while (!world.isQuiet() && steps < MOST_STEPS) {
    await world.step();
    steps += 1;
  }
  const broken = world.isQuiet()
    ? brokenPromises(world)
    : ['it never came to rest', ...brokenPromises(world)];
  return {
    seed,
    broken,
    fired: world.scheduler.fired,
    steps,
    jobs: world.ledger.jobs().length,
    creates: world.api.audit().creates.length,
    trace: world.scheduler.trace,
  };
}

function fateOf(
  nth: number,
  random: () => number,
): ReturnType<ConstructorParameters<typeof World>[1]['fate']> {
  const dice = random();
  if (dice < 0.1 && nth < 5) {
    const message = 'Enqueued token limit reached. Please try again later.';
    return { failure: [{ code: 'token_limit_exceeded', message, param: null, line: null }] };
  }
  if (dice < 0.15)
    return { failure: [{ code: 'model_not_found', message: 'No such model.', param: null, line: 1 }] };
  if (dice < 0.16) return { runningMs: 30 * 3_600_000 };
  if (dice < 0.2) return { runningAs: 'pondering' };
  const odd = random();
  return {
    runningMs: Math.floor(random() * 600_000),
    row: () => {
      const fell = random();
      if (odd > 0.3) return 'succeeded';
      return fell < 0.2 ? 'failed' : fell < 0.3 ? 'missing' : 'succeeded';
    },
  };
}

/** A user drops a file, the same again, or another under its name; or cancels in one of three ways. */
function act(world: World): void {
  const key = `in/${Math.floor(world.random() * 2)}.jsonl`;
  const dice = world.random();
  if (dice < 0.65 || world.ledger.jobs().length === 0) {
    world.drop(key, fileOf(Math.floor(world.random() * 3), world.random() < 0.3 ? 2 : 1));
  } else if (dice < 0.75) world.cancel({ bucket: REQUESTS, key });
  else if (dice < 0.87) world.cancel({ jobId: pick(world, world.ledger.jobs())?.jobId ?? 'none' });
  else world.cancel({ batchId: pick(world, world.api.audit().creates)?.batchId ?? 'batch_none' });
}

/** Two parts come of two rows with more embedding inputs than one batch takes. */
function fileOf(content: number, parts: number): string {
  if (parts === 2) {
    const input = Array.from({ length: 30_000 }, () => 'a');
    const row = (n: number) => ({
      custom_id: `e${content}-${n}`,
      method: 'POST',
      url: '/v1/embeddings',
      body: { model: 'm', input },
    });
    return `${JSON.stringify(row(1))}\n${JSON.stringify(row(2))}\n`;
  }
  const row = (n: number) => ({
    custom_id: `c${content}-${n}`,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: 'm', messages: [] },
  });
  return [1, 2, 3, 4].map((n) => `${JSON.stringify(row(n))}\n`).join('');
}

function pick<T>(world: World, things: readonly T[]): T | undefined {
  return things[Math.floor(world.random() * things.length)];
}
