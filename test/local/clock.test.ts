import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../local/clock.ts';

const START = Date.parse('2031-05-06T07:08:09Z');
const closing: VirtualClock[] = [];

afterEach(() => {
  for (const clock of closing.splice(0)) clock.close();
});

function clockOf(options: { speed: number; cores?: number }): VirtualClock {
  const clock = new VirtualClock({ start: START, cores: 2, ...options });
  closing.push(clock);
  return clock;
}

describe('the rate of the clock', () => {
  it('is the speed while nothing computes, and thirty at most beside one short piece of work per core', () => {
    const clock = clockOf({ speed: 600 });
    expect(clock.reading.rate).toBe(600);
    const [first, second] = [clock.hold(), clock.hold()];
    expect(clock.reading.rate).toBe(30);
    const third = clock.hold();
    expect(clock.reading.rate).toBe(1);
    third();
    third(); // twice is once
    expect(clock.reading.rate).toBe(30);
    first();
    second();
    expect(clock.reading.rate).toBe(600);
  });

  it('counts an awaited answer for no core, and is one once the answer takes longer than half a second', async () => {
    const clock = clockOf({ speed: 600 });
    const answer = clock.hold('answer');
    expect(clock.reading.rate).toBe(30);
    const works = [clock.hold(), clock.hold()];
    expect(clock.reading.rate).toBe(30);
    works.push(clock.hold('work'));
    expect(clock.reading.rate).toBe(1);
    for (const release of works) release();
    expect(clock.reading.rate).toBe(30);
    await expect.poll(() => clock.reading.rate).toBe(1);
    answer();
    expect(clock.reading.rate).toBe(600);
  });

  it('is never more than the speed', () => {
    const clock = clockOf({ speed: 3 });
    const release = clock.hold();
    expect(clock.reading.rate).toBe(3);
    release();
    expect(clock.reading.rate).toBe(3);
  });

  it('is one beside work that takes longer than half a second, also if shorter work begins', async () => {
    const clock = clockOf({ speed: 600 });
    const long = clock.hold();
    await expect.poll(() => clock.reading.rate).toBe(1);
    const short = clock.hold();
    expect(clock.reading.rate).toBe(1);
    long();
    expect(clock.reading.rate).toBe(30);
    short();
    expect(clock.reading.rate).toBe(600);
  });

  it('is told to followers when it changes, with a time from which they continue', () => {
    const clock = clockOf({ speed: 600 });
    const rates: number[] = [];
    const before = clock.now();
    const unfollow = clock.follow(({ rate, time, wall }) => {
      rates.push(rate);
      expect(time).toBeGreaterThanOrEqual(before);
      expect(time).toBeLessThanOrEqual(clock.now() + 1);
      expect(Math.abs(wall - Date.now())).toBeLessThan(1_000);
    });
    const releases = [clock.hold(), clock.hold(), clock.hold()];
    for (const release of releases) release();
    expect(rates).toEqual([30, 1, 30, 600]);
    unfollow();
    clock.hold()();
    expect(rates).toHaveLength(4);
  });
});

describe('an action of the clock', () => {
  it('runs at its time, in the order of the times, unless it was cancelled', async () => {
    const clock = clockOf({ speed: 600 });
    const done: { name: string; late: number }[] = [];
    const at = (name: string, seconds: number) => {
      const time = START + seconds * 1_000;
      return clock.at(time, () => done.push({ name, late: clock.now() - time }));
    };
    at('third', 30);
    at('first', 10);
    const cancel = at('cancelled', 20);
    at('fourth', 40);
    at('second', 20);
    cancel();
    const release = clock.hold(); // a change of the rate in between
    await new Promise((resolve) => setTimeout(resolve, 20));
    release();
    await expect.poll(() => done.length).toBe(4);
    expect(done.map(({ name }) => name)).toEqual(['first', 'second', 'third', 'fourth']);
    for (const { name, late } of done) expect(late, name).toBeGreaterThanOrEqual(0);
  });

  it('may plan the next one, also for a time that has passed', async () => {
    const clock = clockOf({ speed: 600 });
    const done: number[] = [];
    const next = () => {
      done.push(clock.now());
      if (done.length < 5) clock.at(done.length % 2 === 0 ? 0 : clock.now() + 1_000, next);
    };
    clock.at(START, next);
    await expect.poll(() => done.length).toBe(5);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
  });
});
