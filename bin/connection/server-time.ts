import { GetBucketLocationCommand } from '@aws-sdk/client-s3';
import type { Since } from '../jobs/since.ts';
import type { Connection } from './connection.ts';

const RUNTIME_TIME = 'x-batchdrop-time'; // a header of the local endpoint, whose clock may run faster than real time

/** Returns a point in time, in milliseconds. The clock of a runtime on this machine may run ahead. */
export async function sinceTime(since: Since, connection: Connection): Promise<number> {
  if ('at' in since) return since.at;
  return (await placeTime(connection)).now - since.backMs;
}

/** The time of a Batchdrop, in milliseconds. On one machine it can be simulated: it runs ahead of the clock on the wall. */
export interface PlaceTime {
  readonly now: number;
  readonly isSimulated: boolean;
}

const MAX_DRIFT_MS = 2_000; // a call to this machine takes less

/** Returns the time of the Batchdrop. In an account, it is the time of this machine. */
export async function placeTime(connection: Pick<Connection, 's3' | 'names' | 'target'>): Promise<PlaceTime> {
  if (connection.target.kind === 'account') return { now: Date.now(), isSimulated: false };
  const now = await serverTime(connection);
  return { now, isSimulated: Math.abs(now - Date.now()) > MAX_DRIFT_MS };
}

/** Returns the current time of the Batchdrop, in milliseconds. AWS responses have a precision of one second. */
export async function serverTime({ s3, names }: Pick<Connection, 's3' | 'names'>): Promise<number> {
  let headers: Record<string, string> = {};
  const command = new GetBucketLocationCommand({ Bucket: names.requestBucket });
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      headers = { ...Object(result.response).headers };
      return result;
    },
    { step: 'deserialize', priority: 'low' },
  );
  await s3.send(command);
  const time = Number(headers[RUNTIME_TIME] ?? Date.parse(headers.date ?? ''));
  if (Number.isNaN(time)) throw new Error('The response contains no time.');
  return time;
}
