import { describe, expect, it } from 'vitest';
import type { JobRow } from '../../../console/api.ts';
import { JobFeed, type Visibility } from '../../../console/connection/job-feed.ts';
import { RequestFailure } from '../../../console/connection/request-failure.ts';

const ENCODER = new TextEncoder();

function job(jobId: string, changed: Partial<JobRow> = {}): JobRow {
  const createdAt = `2026-11-29T10:0${jobId}:00.000Z`;
  return {
    ...{ jobId, status: 'submitted', ended: false, file: `${jobId}.jsonl`, size: 1, stalled: false },
    ...{ createdAt, changedAt: createdAt },
    ...changed,
  };
}

const done = { status: 'completed', ended: true } as const;

/** A server whose answers wait until the test lets them go. */
class Server {
  readonly asked: (string | undefined)[] = [];
  pages: Record<string, readonly JobRow[]> = {};
  cursors: Record<string, string> = {};
  streams: ReadableStreamDefaultController<Uint8Array>[] = [];
  hasEnded = false;
  release: () => void = () => {};
  isHeld = false;

  readonly stream = async (signal: AbortSignal): Promise<ReadableStream<Uint8Array>> => {
    if (this.hasEnded) throw new RequestFailure('session', 'The session has ended.');
    return new ReadableStream({
      start: (controller) => {
        this.streams.push(controller);
        signal.addEventListener('abort', () => controller.error(signal.reason));
      },
    });
  };

  readonly jobs = async (cursor: string | undefined) => {
    this.asked.push(cursor);
    if (this.isHeld) await new Promise<void>((resolve) => (this.release = resolve));
    const name = cursor ?? 'first';
    const next = this.cursors[name];
    return { jobs: this.pages[name] ?? [], ...(next !== undefined && { cursor: next }) };
  };

  send(...jobs: readonly JobRow[]): void {
    this.streams.at(-1)?.enqueue(ENCODER.encode(`event: jobs\ndata: ${JSON.stringify({ jobs })}\n\n`));
  }
}

class Page implements Visibility {
  hidden = false;
  readonly #listeners = new Set<() => void>();

  follow(listener: () => void, signal: AbortSignal): void {
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => this.#listeners.delete(listener));
  }

  show(isShown: boolean): void {
    this.hidden = !isShown;
    for (const listener of [...this.#listeners]) listener();
  }
}

function start() {
  const [server, page] = [new Server(), new Page()];
  const feed = new JobFeed(server, page);
  const running = feed.run();
  const ids = () => feed.state.value.jobs.map(({ jobId, status }) => `${jobId} ${status}`);
  return { server, page, feed, running, ids };
}

describe('the jobs of the page', () => {
  it('are all pages of the list, newest first', async () => {
    const { server, feed, ids } = start();
    server.pages = { first: [job('3'), job('2', done)], more: [job('1', done)] };
    server.cursors = { first: 'more' };
    await expect.poll(() => feed.state.value.complete).toBe(true);
    expect(ids()).toEqual(['3 submitted', '2 completed', '1 completed']);
    server.send(job('4'));
    await expect.poll(() => ids()[0]).toBe('4 submitted');
  });

  it('are as the stream says, if the list is older', async () => {
    const { server, feed, ids } = start();
    server.isHeld = true;
    server.pages = { first: [job('2'), job('1')] };
    await expect.poll(() => server.streams.length).toBe(1);
    server.send(job('1', done));
    await expect.poll(ids).toEqual(['1 completed']);
    server.release();
    await expect.poll(() => feed.state.value.complete).toBe(true);
    expect(ids()).toEqual(['2 submitted', '1 completed']);
  });

  it('are not followed while the page is hidden, and then read as far as the oldest that was open', async () => {
    const { server, page, feed, ids } = start();
    server.pages = { first: [job('3')], more: [job('2')], most: [job('1', done)] };
    server.cursors = { first: 'more', more: 'most' };
    await expect.poll(() => feed.state.value.complete).toBe(true);
    page.show(false);
    server.pages = {
      first: [job('4')],
      more: [job('3', done), job('2', done)],
      most: [job('1', done)],
      last: [],
    };
    server.cursors = { first: 'more', more: 'most', most: 'last' };
    server.asked.length = 0;
    page.show(true);
    await expect.poll(ids).toEqual(['4 submitted', '3 completed', '2 completed', '1 completed']);
    expect(server.asked).toEqual([undefined, 'more', 'most']);
  });

  it('end with the session', async () => {
    const { server, page, feed, running } = start();
    await expect.poll(() => feed.state.value.complete).toBe(true);
    server.hasEnded = true;
    page.show(false);
    page.show(true);
    await running;
    expect(feed.state.value.connection).toBe('ended');
  });

  it('tell what changed, but not what was there before', async () => {
    const { server, feed } = start();
    const told: string[] = [];
    feed.changes.follow((changes) => {
      for (const { before, after } of changes) told.push(`${before?.status ?? 'new'} to ${after.status}`);
    });
    server.pages = { first: [job('1')] };
    await expect.poll(() => feed.state.value.complete).toBe(true);
    server.send(job('1', done), job('2'));
    await expect.poll(() => told).toEqual(['submitted to completed', 'new to submitted']);
  });
});
