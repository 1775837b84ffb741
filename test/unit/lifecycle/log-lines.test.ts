import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { playHistory } from '../../simulation/world/history.ts';
import { fileOf, fileOfTwoParts, HOUR, SmallWorld } from '../small-world.ts';

/** Codes of log lines that concern no job, each with what it concerns. */
const OF_NO_JOB: Readonly<Record<string, string>> = {
  tick: 'one run of the poller',
  tick_already_running: 'one run of the poller',
  tick_not_needed: 'one run of the poller',
  tick_not_released: 'one run of the poller',
  shard_not_read: 'a shard of the due index',
  admission_failed: 'every part that waits',
  limit_learned: 'a limit of the account at the API',
  account_refused: 'the account at the API',
  account_accepted: 'the account at the API',
  breaker_not_closed: 'the account at the API',
  list_failed: 'the list of batches at the API',
  list_failed_unexpectedly: 'the list of batches at the API',
  folder_marker_ignored: 'an object that is not a file',
  file_copied: 'a file that becomes a job with its event, which has the callbackId as an instruction',
  webhook_refused: 'a request that is not genuine',
  webhook_failed: 'a webhook, and its job once that is known',
};

interface Line {
  code: string;
  facts: Record<string, unknown>;
}

/** The key can be refused for a list of batches or for a step of a part. The step shows which. */
const concernsNoJob = ({ code, facts }: Line) =>
  code in OF_NO_JOB || (code === 'not_allowed' && facts.step === 'observe');
const nameless = (lines: readonly Line[]) =>
  lines.filter((line) => !concernsNoJob(line) && typeof line.facts.jobId !== 'string');

/** Calls whose code alone does not show that they concern no job. */
const CALLS_OF_NO_JOB = [
  "log.error('not_allowed', facts, failure)", // the list of batches, in `observe-batches.ts`
  'log.error(code, facts, failure)', // a defect of a tick that belongs to no item, in `tick.ts`
];

const JOB_ID = /^[a-z2-7]{26}$/;

describe('every log line that concerns a job has its jobId', () => {
  it('in histories with many faults', async () => {
    const codes = new Set<string>();
    for (let seed = 1; seed <= 15; seed += 1) {
      const { lines } = (await playHistory(seed)).world.log;
      expect(nameless(lines)).toEqual([]);
      for (const { code, facts } of lines) {
        codes.add(code);
        if (facts.jobId !== undefined) expect(facts.jobId).toMatch(JOB_ID);
      }
    }
    expect(codes.size).toBeGreaterThan(12);
  });

  it('if files are invalid and the API returns a status that Batchdrop does not know', async () => {
    const world = new SmallWorld({ fate: () => ({ runningMs: 2 * HOUR, runningAs: 'pondering' }) });
    await world.drop('a.jsonl', fileOfTwoParts());
    await world.drop('b.jsonl', 'not JSON\n');
    await world.drop('c.jsonl', fileOf('r1', 'r2'));
    await world.work();
    await world.pass(200);
    expect(world.log.lines.map(({ code }) => code)).toContain('unknown_status');
    expect(nameless(world.log.lines)).toEqual([]);
  });

  it('in the source: each of 30 or more calls passes jobId, or has a code that is listed here', () => {
    const calls = globSync('functions/**/*.ts').flatMap((file) =>
      callsIn(readFileSync(file, 'utf8')).map((call) => ({ file, call })),
    );
    expect(calls.length).toBeGreaterThanOrEqual(30);
    const forgetful = calls.filter(({ call }) => {
      const codes = [...call.matchAll(/'([a-z]+(?:_[a-z]+)*)'/g)].map(([, code = '']) => code);
      const isOfNoJob = codes.some((code) => code in OF_NO_JOB) || CALLS_OF_NO_JOB.includes(call);
      return !isOfNoJob && !/\bjobId\b|\.\.\.ids\b/.test(call);
    });
    expect(forgetful).toEqual([]);
  });

  it('and every code and call that is listed here exists', () => {
    const sources = globSync('functions/**/*.ts').map((file) => readFileSync(file, 'utf8'));
    const named = [...Object.keys(OF_NO_JOB).map((code) => `'${code}'`), ...CALLS_OF_NO_JOB];
    expect(named.filter((text) => !sources.some((source) => source.includes(text)))).toEqual([]);
  });
});

/** Returns each call of a log, from `log.` to its last parenthesis. */
function callsIn(source: string): string[] {
  return [...source.matchAll(/\blog\.(?:info|warn|error)\(/g)].map(({ index }) => {
    let open = 0;
    let end = index;
    do {
      if (source[end] === '(') open += 1;
      if (source[end] === ')') open -= 1;
      end += 1;
    } while (end < source.length && (open > 0 || source[end - 1] !== ')'));
    return source.slice(index, end);
  });
}
