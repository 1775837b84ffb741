/**
 * npm run bench:webhooks [-- --batches 200]: measures how long after the end of a batch at the API its event is on the
 * bus, on one machine in real time: once with webhooks, and once with POLL every minute. It also counts the calls of
 * each way, and prints the table for docs/performance.md. Exit code 1 if the goal for webhooks is missed. It takes six
 * minutes.
 *
 * With --day: simulates 1,000 batches in a day of the virtual clock, once with `observeInterval` 15 minutes and every
 * tenth webhook lost, and once with polling every minute. Exit code 1 if an end is reported later than the interval. It
 * takes two minutes.
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { FILES, type FoundEnds, findEnds } from './found-ends.ts';
import { BATCHES, type Day, day } from './webhook-day.ts';

const GOAL_SECONDS = 2; // p95 with webhooks
const INTERVAL_MS = 15 * 60_000;
const HEAD = '| | by webhook, `observeInterval` 15 minutes | by POLL each minute |\n| --- | --- | --- |';

const { values } = parseArgs({
  options: { batches: { type: 'string', default: '200' }, day: { type: 'boolean', default: false } },
});
if (values.day) await compareDays();
else await compareLatencies();

async function compareDays(): Promise<void> {
  const told = await day({ webhooks: true, observeIntervalMs: INTERVAL_MS });
  const polled = await day({ observeIntervalMs: 0 });
  const row = (what: string, of: (of: Day) => string | number) => `| ${what} | ${of(told)} | ${of(polled)} |`;
  console.log(
    [
      HEAD,
      row('ends of batches', ({ ended }) => ended),
      row('latest event of an end', ({ latestMs }) => `${Math.round(latestMs / 1_000)} s after it`),
      row('invocations of WEBHOOK', ({ webhooks }) => webhooks),
      row(
        'ticks of POLL, of which call the Batch API',
        ({ ticks, ticksThatCalled }) => `${ticks}, ${ticksThatCalled}`,
      ),
      row('Batch API calls of WEBHOOK', ({ callsOfWebhooks }) => callsOfWebhooks),
      row('Batch API calls of POLL', ({ callsOfTicks }) => callsOfTicks),
    ].join('\n'),
  );
  const isEachInTime = told.latestMs <= INTERVAL_MS && polled.latestMs <= 60_000;
  if (isEachInTime && told.ended === BATCHES && polled.ended === BATCHES) return;
  console.error('missed: an end was reported late or not at all');
  process.exitCode = 1;
}

async function compareLatencies(): Promise<void> {
  const batches = Number(values.batches);
  if (!(batches >= FILES && batches % FILES === 0)) {
    console.error(`Say --batches N, a multiple of ${FILES}.`);
    process.exit(1);
  }

  const byWebhook = await findEnds(batches, { webhook: 'yes', observeMinutes: '15' });
  const byPoll = await findEnds(batches, {});
  console.log([HEAD, ...rowsOf(byWebhook, byPoll)].join('\n'));
  console.log(`${batches} batches each way; load average at the end ${loadavg()[0]?.toFixed(1)}`);
  const p95 = share(byWebhook.seconds, 0.95);
  if (!(p95 < GOAL_SECONDS)) {
    console.error(`missed: p95 by webhook is ${p95.toFixed(2)} s, the goal is less than ${GOAL_SECONDS} s`);
    process.exitCode = 1;
  }
}

function rowsOf(webhook: FoundEnds, poll: FoundEnds): string[] {
  const row = (what: string, of: (found: FoundEnds) => string | number) =>
    `| ${what} | ${of(webhook)} | ${of(poll)} |`;
  const calls = (kind: string) => (found: FoundEnds) => found.calls.get(kind) ?? 0;
  return [
    row('end at the API to event on the bus, p50', ({ seconds }) => `${share(seconds, 0.5).toFixed(2)} s`),
    row('p95', ({ seconds }) => `${share(seconds, 0.95).toFixed(2)} s`),
    row('longest', ({ seconds }) => `${share(seconds, 1).toFixed(2)} s`),
    row('ends found by WEBHOOK', ({ byWebhook: told }) => told),
    row('ticks of POLL', ({ ticks }) => ticks),
    ...[...new Set([...webhook.calls.keys(), ...poll.calls.keys()])]
      .toSorted()
      .map((kind) => row(kind, calls(kind))),
  ];
}

/** Returns the value that this share of the values does not exceed. */
function share(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.ceil(part * sorted.length) - 1];
  if (value === undefined) throw new Error('nothing was measured');
  return value;
}
