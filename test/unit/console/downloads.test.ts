import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { downloadName } from '../../../bin/console/files/downloads.ts';
import { Tickets } from '../../../bin/console/files/tickets.ts';

describe('a ticket', () => {
  it('is good once, within 60 seconds', () => {
    let now = 0;
    const tickets = new Tickets<string>(() => now);
    const [first, second, third] = [tickets.issue('a'), tickets.issue('b'), tickets.issue('c')];
    expect(tickets.redeem(first)).toBe('a');
    expect(tickets.redeem(first)).toBeUndefined();
    now = 59_999;
    expect(tickets.redeem(second)).toBe('b');
    now = 60_000;
    expect(tickets.redeem(third)).toBeUndefined();
    expect(tickets.redeem('none')).toBeUndefined();
  });

  it('ends the oldest one if too many are open', () => {
    const tickets = new Tickets<number>(() => 0);
    const all = Array.from({ length: 101 }, (_, at) => tickets.issue(at));
    expect(tickets.redeem(all[0] ?? '')).toBeUndefined();
    expect(tickets.redeem(all[1] ?? '')).toBe(1);
    expect(tickets.redeem(all[100] ?? '')).toBe(100);
  });
});

describe('the name of a download', () => {
  it.each([
    ['in/reviews.jsonl', 'output.jsonl', 'reviews-output.jsonl'],
    ['reviews.NDJSON', 'requests.jsonl', 'reviews.jsonl'],
    ['größe 1.jsonl', 'summary.json', 'größe 1-summary.json'],
    ['a"b;c\r\nd.jsonl', 'output.jsonl', 'a_b;c_d-output.jsonl'],
    ['exe\u202Elsj.jsonl', 'output.jsonl', 'exe_lsj-output.jsonl'],
    ['../..', 'output.jsonl', 'job--output.jsonl'],
    ['con.jsonl', 'requests.jsonl', 'job-con.jsonl'],
    ['.bashrc', 'output.jsonl', 'bashrc-output.jsonl'],
    ['--help.jsonl', 'output.jsonl', 'help-output.jsonl'],
  ])('of %j and %s is %j', (key, file, name) => expect(downloadName(key, file)).toBe(name));

  it('is a name that every disk takes, for any key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 1_024 }), (key) => {
        const name = downloadName(key, 'output.jsonl');
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(500);
        expect(name).toMatch(/^[^.\s-][^/\\:*?"<>|\p{Cc}\p{Cf}]*-output\.jsonl$/u);
      }),
    );
  });
});
