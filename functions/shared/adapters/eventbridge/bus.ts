import {
  type EventBridgeClient,
  PutEventsCommand,
  type PutEventsRequestEntry,
} from '@aws-sdk/client-eventbridge';
import { EVENT_SOURCE } from '../../contract/events.ts';
import { RetryableError } from '../../domain/errors.ts';
import { type OutgoingEvent, objectsNamedIn } from '../../domain/outgoing-event.ts';
import type { EventBus } from '../../ports/ports.ts';
import { awsFailure } from '../aws/aws-failure.ts';

/*
 * PutEvents takes 10 entries and 1 MB per call. It may refuse some of them and still respond with HTTP 200. Refused
 * entries are sent once more, and those refused again are reported.
 */

const MAX_ENTRIES = 10;
const MAX_BYTES = 1_000_000; // the stricter reading of 1 MB
const TIME_BYTES = 14; // what EventBridge counts for `Time`

interface Addressed {
  id: string;
  bytes: number;
  entry: PutEventsRequestEntry;
}

/** An EventBridge bus. Each event carries the ARNs of the objects that it names, in the partition of the bus. */
export function createEventBridgeBus(options: { client: EventBridgeClient; busArn: string }): EventBus {
  const { client, busArn } = options;
  return {
    async publish(events) {
      const refused: string[] = [];
      for (const call of callsOf(events.map((event) => addressed(event, busArn)))) {
        const again = await put(client, call);
        const still = again.length === 0 ? [] : await put(client, again);
        refused.push(...still.map(({ id }) => id));
      }
      return { refused };
    },
  };
}

function addressed(event: OutgoingEvent, busArn: string): Addressed {
  const [, partition] = busArn.split(':');
  const Resources = objectsNamedIn(event.detail).map(
    ({ bucket, key }) => `arn:${partition}:s3:::${bucket}/${key}`,
  );
  const Detail = JSON.stringify(event.detail);
  const { id, occurredAt } = event.detail.metadata;
  const texts = [EVENT_SOURCE, event.detailType, Detail, ...Resources];
  return {
    id,
    bytes: texts.reduce((sum, text) => sum + Buffer.byteLength(text), TIME_BYTES),
    entry: {
      EventBusName: busArn,
      Source: EVENT_SOURCE,
      DetailType: event.detailType,
      Detail,
      Resources,
      Time: new Date(occurredAt),
    },
  };
}

function callsOf(all: Addressed[]): Addressed[][] {
  const calls: Addressed[][] = [];
  let bytes = 0;
  for (const one of all) {
    const call = calls.at(-1);
    if (call === undefined || call.length === MAX_ENTRIES || bytes + one.bytes > MAX_BYTES) {
      calls.push([one]);
      bytes = one.bytes;
    } else {
      call.push(one);
      bytes += one.bytes;
    }
  }
  return calls;
}

/** Returns the entries that were refused. */
async function put(client: EventBridgeClient, call: Addressed[]): Promise<Addressed[]> {
  const tried = `publish ${call.length} events`;
  const answer = await client
    .send(new PutEventsCommand({ Entries: call.map(({ entry }) => entry) }))
    .catch((error: unknown) => {
      throw awsFailure(tried, error);
    });
  if (answer.FailedEntryCount === 0) return [];
  const entries = answer.Entries ?? [];
  const refused = call.filter((_, index) => entries[index]?.EventId === undefined);
  if (entries.length !== call.length || refused.length !== answer.FailedEntryCount) {
    throw new RetryableError(`${tried}: the response does not say which entries were refused`);
  }
  return refused;
}
