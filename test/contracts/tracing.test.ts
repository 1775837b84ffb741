import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { context, trace as otel } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createEmfMetrics } from '../../functions/shared/adapters/lambda/emf-metrics.ts';
import { READS, tracedIfAsked } from '../../functions/shared/adapters/lambda/traced.ts';
import { createOpenTelemetryTrace } from '../../functions/shared/adapters/tracing/open-telemetry.ts';
import { createXRayTrace } from '../../functions/shared/adapters/tracing/xray.ts';
import { createInMemoryLedger } from '../fakes/in-memory-ledger.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { aBatch, aJob, aPart, NOON } from './samples.ts';

const TRACE_ID = '1-581cf771-a006649127e371903a2de979';
const SEGMENT_ID = '53995c3f42cd8ad8';
const SAMPLED = `Root=${TRACE_ID};Parent=${SEGMENT_ID};Sampled=1;Lineage=1:abc:0`;

interface Received {
  header: unknown;
  document: Record<string, unknown>;
}

/** What Lambda runs beside a function: a daemon that receives segment documents. */
async function startDaemon() {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const received: Received[] = [];
  socket.on('message', (bytes) => {
    const [header = '', document = ''] = bytes.toString().split('\n');
    received.push({ header: JSON.parse(header), document: JSON.parse(document) });
  });
  onTestFinished(() => void socket.close());
  const address = `127.0.0.1:${socket.address().port}`;
  /** The datagrams that arrived before this one, which the test sends itself. */
  const until = async (count: number) => {
    await expect.poll(() => received.length).toBeGreaterThanOrEqual(count);
    const last = createSocket('udp4');
    last.send('{"last":true}\n{}', socket.address().port, '127.0.0.1');
    await expect.poll(() => received.at(-1)?.header).toEqual({ last: true });
    last.close();
    return received.slice(0, -1);
  };
  return { address, until };
}

describe('the annotations of X-Ray', () => {
  it('are subsegments of the function’s segment, one for each job and batch', async () => {
    const { address, until } = await startDaemon();
    const trace = createXRayTrace({ AWS_XRAY_DAEMON_ADDRESS: address, _X_AMZN_TRACE_ID: SAMPLED });
    await trace.annotate([{ jobId: 'a' }, { jobId: 'b', batchId: 'batch_1' }], NOON);
    const received = await until(2);
    expect(received.map(({ header }) => header)).toEqual(
      Array.from({ length: 2 }, () => ({ format: 'json', version: 1 })),
    );
    const documents = received.map(({ document }) => document);
    expect(documents.map(({ annotations }) => annotations)).toEqual(
      expect.arrayContaining([{ jobId: 'a' }, { jobId: 'b', batchId: 'batch_1' }]),
    );
    for (const document of documents) {
      expect(document).toEqual({
        name: 'batchdrop job',
        id: expect.stringMatching(/^[0-9a-f]{16}$/),
        trace_id: TRACE_ID,
        parent_id: SEGMENT_ID,
        type: 'subsegment',
        start_time: NOON / 1000,
        end_time: expect.any(Number),
        annotations: document.annotations,
      });
    }
    expect(new Set(documents.map(({ id }) => id)).size).toBe(2);
  });

  it.each([
    ['a trace that is not sampled', SAMPLED.replace('Sampled=1', 'Sampled=0')],
    ['a trace whose sampling is not decided', SAMPLED.replace('Sampled=1', 'Sampled=?')],
    ['a trace without a segment', `Root=${TRACE_ID};Sampled=1`],
    ['nonsense', '=;=;;'],
    ['nothing', undefined],
  ])('of %s are not sent', async (_, header) => {
    const { address, until } = await startDaemon();
    const trace = createXRayTrace({
      AWS_XRAY_DAEMON_ADDRESS: address,
      ...(header !== undefined && { _X_AMZN_TRACE_ID: header }),
    });
    await trace.annotate([{ jobId: 'a' }], NOON);
    expect(await until(0)).toEqual([]);
  });

  it('are at most as many as X-Ray indexes', async () => {
    const { address, until } = await startDaemon();
    const trace = createXRayTrace({
      AWS_XRAY_DAEMON_ADDRESS: `tcp:127.0.0.1:1 udp:${address}`,
      _X_AMZN_TRACE_ID: SAMPLED,
    });
    await trace.annotate(
      Array.from({ length: 60 }, (_, nth) => ({ jobId: `job-${nth}` })),
      NOON,
    );
    expect(await until(25)).toHaveLength(25);
  });

  it.each(['127.0.0.1:1', 'no address', ''])('that nobody receives at "%s" harm nothing', async (address) => {
    const trace = createXRayTrace({ AWS_XRAY_DAEMON_ADDRESS: address, _X_AMZN_TRACE_ID: SAMPLED });
    await expect(trace.annotate([{ jobId: 'a' }], NOON)).resolves.toBeUndefined();
  });
});

describe('the annotations of OpenTelemetry', () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });

  /** As a layer does before it loads the function. */
  function registerLayer(): void {
    otel.setGlobalTracerProvider(provider);
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    onTestFinished(() => {
      otel.disable();
      context.disable();
      exporter.reset();
    });
  }

  it('are spans under the span of the invocation', async () => {
    registerLayer();
    const invocation = otel.getTracer('layer').startSpan('handler');
    await context.with(otel.setSpan(context.active(), invocation), () =>
      createOpenTelemetryTrace().annotate([{ jobId: 'a' }, { jobId: 'b', batchId: 'batch_1' }], NOON),
    );
    const spans = exporter.getFinishedSpans();
    expect(spans.map(({ name, attributes }) => ({ name, attributes }))).toEqual([
      {
        name: 'batchdrop job',
        attributes: { jobId: 'a', 'aws.xray.annotations': ['jobId', 'batchId'] },
      },
      {
        name: 'batchdrop job',
        attributes: { jobId: 'b', batchId: 'batch_1', 'aws.xray.annotations': ['jobId', 'batchId'] },
      },
    ]);
    const { traceId, spanId } = invocation.spanContext();
    for (const span of spans) {
      expect(span.spanContext().traceId).toBe(traceId);
      expect(span.parentSpanContext?.spanId).toBe(spanId);
      expect(span.startTime).toEqual([NOON / 1000, 0]);
    }
  });

  it('need no layer', async () => {
    await expect(createOpenTelemetryTrace().annotate([{ jobId: 'a' }], NOON)).resolves.toBeUndefined();
    expect(exporter.getFinishedSpans()).toEqual([]);
  });
});

describe('an invocation', () => {
  const { BATCHDROP_TRACING, AWS_XRAY_DAEMON_ADDRESS, _X_AMZN_TRACE_ID } = process.env;
  const restore = (saved: Record<string, string | undefined>) => {
    for (const [name, value] of Object.entries(saved)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  beforeEach(() => restore({ BATCHDROP_TRACING: undefined }));
  afterEach(() => restore({ BATCHDROP_TRACING, AWS_XRAY_DAEMON_ADDRESS, _X_AMZN_TRACE_ID }));

  const basics = () => ({
    ledger: createInMemoryLedger({ clock: new ManualClock(NOON) }),
    metrics: createEmfMetrics({ service: 'test' }),
  });
  const annotationsIn = (received: readonly Received[]) =>
    received.map(({ document }) => JSON.stringify(document.annotations)).sort();

  it('without tracing has the dependencies that it was given, and no others', () => {
    const given = basics();
    expect(tracedIfAsked(given)).toBe(given);
  });

  it('is annotated with the jobs and batches that it changed, each once, and not with those that it read', async () => {
    const { address, until } = await startDaemon();
    restore({ BATCHDROP_TRACING: 'xray', AWS_XRAY_DAEMON_ADDRESS: address, _X_AMZN_TRACE_ID: SAMPLED });
    const { ledger, metrics } = tracedIfAsked(basics());
    const other = aJob({ jobId: 'o'.repeat(26) });
    await ledger.createJob(other);
    const job = aJob();
    await metrics.during(async () => {
      expect(await ledger.createJob(job)).toBe(true);
      expect(await ledger.replaceJob(job)).toBe(true);
      expect(await ledger.createPart(aPart({ batch: aBatch({ batchId: 'batch_7' }) }))).toBe(true);
      expect(await ledger.replaceJob({ ...other, version: 99 })).toBe(false);
      expect(await ledger.readJob(other.jobId)).toMatchObject({ jobId: other.jobId });
    });
    expect(annotationsIn(await until(1))).toEqual([JSON.stringify({ jobId: job.jobId, batchId: 'batch_7' })]);
  });

  it('that fails is annotated, too, and fails with its own error', async () => {
    const { address, until } = await startDaemon();
    restore({ BATCHDROP_TRACING: 'xray', AWS_XRAY_DAEMON_ADDRESS: address, _X_AMZN_TRACE_ID: SAMPLED });
    const { ledger, metrics } = tracedIfAsked(basics());
    const work = metrics.during(async () => {
      await ledger.createJob(aJob());
      throw new Error('its own');
    });
    await expect(work).rejects.toThrow('its own');
    expect(annotationsIn(await until(1))).toEqual([JSON.stringify({ jobId: aJob().jobId })]);
  });

  it('has nothing of the one before it', async () => {
    const { address, until } = await startDaemon();
    restore({ BATCHDROP_TRACING: 'xray', AWS_XRAY_DAEMON_ADDRESS: address, _X_AMZN_TRACE_ID: SAMPLED });
    const { ledger, metrics } = tracedIfAsked(basics());
    await metrics.during(() => ledger.createJob(aJob()));
    await metrics.during(async () => 'nothing');
    expect(await until(1)).toHaveLength(1);
  });

  it('of ANSWER is annotated with the jobs that it reads', async () => {
    const { address, until } = await startDaemon();
    restore({ BATCHDROP_TRACING: 'xray', AWS_XRAY_DAEMON_ADDRESS: address, _X_AMZN_TRACE_ID: SAMPLED });
    const { ledger, metrics } = tracedIfAsked(basics(), READS);
    await ledger.createJob(aJob());
    await metrics.during(async () => {
      await ledger.readJob(aJob().jobId);
      await ledger.readJob('n'.repeat(26));
    });
    expect(annotationsIn(await until(1))).toEqual([JSON.stringify({ jobId: aJob().jobId })]);
  });
});
