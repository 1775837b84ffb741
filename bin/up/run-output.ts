/** What `up` prints while it runs. */
import { styleText } from 'node:util';
import type { AwsEvent } from '../../local/aws/events/event.ts';
import { escapeControlCharacters, printableJson } from '../terminal/escape-control-characters.ts';
import { eventLine } from '../terminal/event-line.ts';
import { firstDeliveries } from '../terminal/first-delivery.ts';
import { fitted } from '../terminal/fit-line.ts';
import { say } from '../terminal/prompt.ts';

const SAME_PROBLEM_EVERY_MS = 60_000; // real time
const REPORT = /^\{"type":"platform\./; // the runtime's own lines in the log of a function

export function printEvents(json: boolean): (event: AwsEvent) => void {
  const isFirst = firstDeliveries();
  return (event) => {
    // With the time on the wall: the clock of the runtime may run ahead.
    const line = isFirst(event) ? eventLine(event, Date.now()) : undefined;
    if (line !== undefined) say(json ? printableJson(event) : fitted(line));
  };
}

/** Prints each problem at most once per minute: a function may fail at every tick. */
export function printProblems(): (problem: string) => void {
  const printedAt = new Map<string, number>();
  return (problem) => {
    const now = performance.now();
    if (now - (printedAt.get(problem) ?? Number.NEGATIVE_INFINITY) < SAME_PROBLEM_EVERY_MS) return;
    printedAt.set(problem, now);
    console.error(styleText('red', escapeControlCharacters(problem), { stream: process.stderr }));
  };
}

/** Prints what the app's own functions print, each line with the name of the function. */
export function printLogs(json: boolean): (functionName: string, line: string) => void {
  return (functionName, line) => {
    if (REPORT.test(line)) return;
    if (json) say(printableJson({ function: functionName, line }));
    else say(fitted(`${styleText('dim', `${functionName}:`)} ${escapeControlCharacters(line)}`));
  };
}
