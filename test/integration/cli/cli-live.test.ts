import { describe, expect, it } from 'vitest';
import { parseSince } from '../../../bin/jobs/since.ts';
import { bytesShown, timeShown } from '../../../bin/terminal/amounts.ts';
import { StatusLine } from '../../../bin/terminal/status-line.ts';

/** The lines that a terminal of this width shows. */
class Screen {
  readonly isTTY = true;
  readonly columns: number;
  readonly lines = [''];

  constructor(columns: number) {
    this.columns = columns;
  }

  write(text: string): void {
    for (const [nth, rewritten] of text.split('\r\u001b[K').entries()) {
      if (nth > 0) this.lines[this.lines.length - 1] = '';
      const [rest = '', ...more] = rewritten.split('\n');
      this.lines[this.lines.length - 1] += rest;
      this.lines.push(...more);
    }
    if (this.lines.some((line) => line.length >= this.columns)) throw new Error('a line wraps');
  }
}

describe('the status line', () => {
  it('stays below permanent lines, and disappears at the end', () => {
    const screen = new Screen(80);
    const line = new StatusLine(screen);
    line.show('1/9 rows');
    line.print('job accepted');
    expect(screen.lines).toEqual(['job accepted', '1/9 rows']);
    line.show('9/9 rows');
    line.end();
    line.print('job completed');
    expect(screen.lines).toEqual(['job accepted', 'job completed', '']);
  });

  it('never wraps', () => {
    const screen = new Screen(20);
    new StatusLine(screen).show('x'.repeat(100));
    expect(screen.lines).toEqual(['x'.repeat(19)]);
  });

  it('does not exist without a terminal', () => {
    const written: string[] = [];
    const line = new StatusLine({ write: (text) => written.push(text) });
    line.show('1/9 rows');
    line.print('job accepted');
    line.end();
    expect(written).toEqual(['job accepted\n']);
  });
});

describe('amounts', () => {
  it.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [999, '999 bytes'],
    [1_500, '1.5 kB'],
    [200_000_000, '200.0 MB'],
    [5_400_000_000, '5.4 GB'],
  ])('%i bytes are %s', (bytes, shown) => expect(bytesShown(bytes)).toBe(shown));

  it.each([
    [0, '0:00'],
    [61_999, '1:01'],
    [3_600_000, '1:00:00'],
  ])('%i ms are %s', (milliseconds, shown) => expect(timeShown(milliseconds)).toBe(shown));
});

describe('--since', () => {
  it.each([
    ['90m', { backMs: 5_400_000 }],
    ['24h', { backMs: 86_400_000 }],
    ['7d', { backMs: 604_800_000 }],
    ['2026-01-31', { at: Date.UTC(2026, 0, 31) }],
    ['2026-01-31T12:00', { at: Date.UTC(2026, 0, 31, 12) }],
    ['2026-01-31T12:00:00+01:00', { at: Date.UTC(2026, 0, 31, 11) }],
  ])('takes %s', (value, since) => expect(parseSince(value)).toEqual(since));

  it.each(['', '24', 'h', '-1h', '2026-13-01', '2026', 'now'])('refuses "%s"', (value) => {
    expect(() => parseSince(value)).toThrow(/minutes, hours or days/);
  });
});
