/**
 * Annotations for AWS X-Ray, without its SDK: the work on each job is a subsegment of the function's segment. Lambda runs a
 * daemon beside the function, which takes
 * [segment documents](https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html) by UDP.
 */
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { MAX_ANNOTATED, type Touched, type Trace, WORK_NAME } from './touched.ts';

/** What Lambda sets in the environment: the daemon once, and the trace at each invocation. */
export interface XRayEnvironment {
  [name: string]: string | undefined;
  AWS_XRAY_DAEMON_ADDRESS?: string;
  _X_AMZN_TRACE_ID?: string;
}

interface Segment {
  traceId: string;
  segmentId: string;
}

const HEADER = '{"format": "json", "version": 1}\n';
const ID_BYTES = 8;
const DEFAULT_DAEMON = '127.0.0.1:2000';

/** `environment` is read at each invocation. */
export function createXRayTrace(environment: XRayEnvironment): Trace {
  return {
    async annotate(touched, from) {
      const segment = sampledSegment(environment._X_AMZN_TRACE_ID);
      if (!segment || touched.length === 0) return;
      const documents = touched.slice(0, MAX_ANNOTATED).map((each) => documentOf(each, segment, from));
      await sendAll(documents, daemonOf(environment.AWS_XRAY_DAEMON_ADDRESS ?? DEFAULT_DAEMON));
    },
  };
}

/** Returns the function's segment, from `Root=…;Parent=…;Sampled=1`; undefined if the trace is not recorded. */
function sampledSegment(header = ''): Segment | undefined {
  const fields = new Map(header.split(';').map((field): [string, string] => pairOf(field)));
  const [traceId, segmentId] = [fields.get('Root'), fields.get('Parent')];
  if (traceId === undefined || segmentId === undefined || fields.get('Sampled') !== '1') return undefined;
  return { traceId, segmentId };
}

function pairOf(field: string): [string, string] {
  const [name = '', value = ''] = field.trim().split('=');
  return [name, value];
}

function documentOf({ jobId, batchId }: Touched, { traceId, segmentId }: Segment, from: number): string {
  return JSON.stringify({
    name: WORK_NAME,
    id: randomBytes(ID_BYTES).toString('hex'),
    trace_id: traceId,
    parent_id: segmentId,
    type: 'subsegment',
    start_time: from / 1000,
    end_time: Date.now() / 1000,
    annotations: { jobId, ...(batchId === undefined ? {} : { batchId }) },
  });
}

/** Returns the daemon's UDP address, from `host:port` or `tcp:host:port udp:host:port`. */
function daemonOf(address: string): { host: string; port: number } {
  const named = address.split(' ').find((each) => each.startsWith('udp:')) ?? address;
  const [host = '', port = ''] = named.replace('udp:', '').split(':');
  return { host, port: Number(port) };
}

async function sendAll(documents: readonly string[], to: { host: string; port: number }): Promise<void> {
  const socket = createSocket('udp4');
  socket.on('error', () => {}); // nobody hears a lost trace
  try {
    await Promise.all(documents.map((document) => send(socket, document, to)));
  } catch {
    // an address that is none
  } finally {
    socket.close();
  }
}

function send(
  socket: Socket,
  document: string,
  { host, port }: { host: string; port: number },
): Promise<void> {
  return new Promise((resolve) => socket.send(HEADER + document, port, host, () => resolve()));
}
