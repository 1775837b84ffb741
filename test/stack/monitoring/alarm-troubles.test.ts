import { Duration } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import { synthesize } from '../synthesis.ts';
import { resources } from '../template-reading.ts';
import { type AlarmRule, play, type Reported } from './alarm-player.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const UNTIL = 48 * HOUR;
const BEGINS = 6 * HOUR;
const ENDS = 36 * HOUR;

/** What an alarm watches: the values in normal operation, and those from the start of a problem. */
interface Watched {
  health: (ticks: readonly number[], rule: AlarmRule) => Reported[];
  trouble: (ticks: readonly number[], rule: AlarmRule) => Reported[];
  /** Values that are normal and must not set it off. */
  passing?: (ticks: readonly number[], rule: AlarmRule) => Reported[];
  /** The problem is a single event, not a state. */
  once?: true;
}

const minutes = Array.from({ length: UNTIL / MINUTE }, (_, minute) => minute * MINUTE);
const each = (times: readonly number[], value: number): Reported[] => times.map((at) => ({ at, value }));
const first = (times: readonly number[]) => times.slice(0, 1);
/** Returns the ticks that are at least this far apart, because a step waits and a later tick repeats it. */
const apart = (ticks: readonly number[], seconds: number): number[] => {
  const found: number[] = [];
  for (const at of ticks) if (at - (found.at(-1) ?? Number.NEGATIVE_INFINITY) >= seconds) found.push(at);
  return found;
};
const nothing = () => [];

const OF_EACH_TICK: Watched = { health: nothing, trouble: (ticks) => each(ticks, 1) };
const LASTING: Watched = { ...OF_EACH_TICK, passing: (ticks) => each(first(ticks), 1) };
const FAILURES: Watched = { ...LASTING, health: (ticks) => each(ticks, 0) };
const ONCE: Watched = { health: nothing, trouble: (ticks) => each(first(ticks), 1), once: true };
const GAUGE: Watched = {
  health: (_, rule) => each(minutes, rule.Threshold - 1),
  trouble: (ticks, rule) =>
    each(
      minutes.filter((at) => at >= (ticks[0] ?? 0)),
      rule.Threshold,
    ),
};

/** By the id of the alarm. For any other alarm, the problem is a value at each tick. */
const WATCHED: [id: RegExp, Watched][] = [
  [/^Poll(Errors|Throttles)$/, FAILURES],
  [/Errors$/, { ...FAILURES, trouble: (ticks) => each(first(ticks), 1), passing: nothing, once: true }],
  [/Throttles$/, { ...GAUGE, passing: (ticks) => each(first(ticks), 1) }],
  [/(DeadLetters|Undelivered|Backlog)$/, GAUGE],
  [/^PollHeartbeat$/, { health: (ticks) => each(ticks, 1), trouble: nothing }],
  [
    /^OldestOpenBatch$/,
    {
      health: (ticks, rule) => each(ticks, rule.Threshold - 1),
      trouble: (ticks, rule) => each(ticks, rule.Threshold),
    },
  ],
  [/^PublishFailures$/, LASTING],
  [/^(SecondBatch|TriesUsedUp|RowsMissing|ApprovalExpired)$/, ONCE],
  [/^Stalled$/, { ...OF_EACH_TICK, trouble: (ticks) => each(apart(ticks, 30 * MINUTE), 1) }],
  [/^Results(Waiting|Expiring)$/, { ...OF_EACH_TICK, trouble: (ticks) => each(apart(ticks, HOUR), 1) }],
  [/^RefusedAlone$/, { ...OF_EACH_TICK, trouble: (ticks) => each(apart(ticks, 80 * MINUTE), 1) }],
];

/** Returns the ticks of POLL. Each begins within a minute after it is due. */
function ticksAt(interval: number, phase: number): number[] {
  const count = Math.floor(UNTIL / interval);
  return Array.from({ length: count }, (_, tick) => tick * interval + phase + ((tick * 37) % 60)).filter(
    (at) => at < UNTIL,
  );
}

function alarmsAt(minutesOfInterval: number): { id: string; rule: AlarmRule }[] {
  const template = synthesize({ pollInterval: Duration.minutes(minutesOfInterval), monitoring: 'full' });
  return resources(template, 'AWS::CloudWatch::Alarm').map(({ id, Properties }) => ({
    id: id.replace(/^Alarms/, ''),
    rule: Properties as unknown as AlarmRule, // the player rejects rules that it does not know
  }));
}

describe.each([1, 5, 15, 60])('at a poll interval of %i minutes', (interval) => {
  const alarms = alarmsAt(interval);

  it('there are alarms', () => expect(alarms.length).toBeGreaterThan(25));

  it.each(alarms)('$id goes off at its problem, and only then', ({ id, rule }) => {
    const { health, trouble, passing, once } = WATCHED.find(([of]) => of.test(id))?.[1] ?? OF_EACH_TICK;
    for (const phase of [0, 17, 61, 179].map((seconds) => seconds % (interval * MINUTE))) {
      const ticks = ticksAt(interval * MINUTE, phase);
      const before = ticks.filter((at) => at < BEGINS);
      const during = ticks.filter((at) => at >= BEGINS && at < ENDS);
      expect(play(rule, health(ticks, rule), UNTIL), 'in health').not.toContain(true);
      if (passing) {
        const reported = [...health(before, rule).filter(({ at }) => at < BEGINS), ...passing(during, rule)];
        expect(play(rule, reported, UNTIL), 'after a temporary problem').not.toContain(true);
      }
      const reported = [...health(before, rule), ...trouble(during, rule)].filter(
        ({ at, value }) => at >= BEGINS || value < rule.Threshold || rule.TreatMissingData === 'breaching',
      );
      const states = play(rule, reported, ENDS);
      const goesOff = states.indexOf(true);
      expect(goesOff, 'it goes off').toBeGreaterThanOrEqual(0);
      expect((goesOff + 1) * rule.Period, 'before its problem').toBeGreaterThan(BEGINS);
      expect((goesOff + 1) * rule.Period - BEGINS, 'within hours').toBeLessThanOrEqual(
        6 * HOUR + interval * MINUTE,
      );
      if (!once) expect(states.slice(goesOff), 'it stays on').not.toContain(false);
    }
  });
});

describe('the player of alarms', () => {
  const rule: AlarmRule = {
    Period: 300,
    EvaluationPeriods: 3,
    DatapointsToAlarm: 2,
    Statistic: 'Sum',
    Threshold: 1,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    TreatMissingData: 'notBreaching',
  };

  it('counts breaching periods out of the last ones', () => {
    const reported = each([0, 600, 1500], 1);
    expect(play(rule, reported, 2400)).toEqual([false, false, true, false, false, false, false, false]);
  });

  it('shows that the earlier alarms could not go off at an interval of an hour', () => {
    const before = { ...rule, DatapointsToAlarm: 3 };
    expect(play(before, each(ticksAt(HOUR, 0), 1), UNTIL)).not.toContain(true);
  });
});
