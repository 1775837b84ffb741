import type { BatchdropEvent } from '../../../functions/shared/contract/events.ts';
import { type OutgoingEvent, objectsNamedIn } from '../../../functions/shared/domain/outgoing-event.ts';

/** Returns the event as a target of a rule receives it. The tests of the bus check that the real bus makes it so. */
export function received({ detailType, detail }: OutgoingEvent): Record<keyof BatchdropEvent, unknown> {
  return {
    version: '0',
    id: 'assigned-by-eventbridge',
    'detail-type': detailType,
    source: 'batchdrop',
    account: '111122223333',
    time: `${detail.metadata.occurredAt.slice(0, 19)}Z`,
    region: 'us-east-1',
    resources: objectsNamedIn(detail).map(({ bucket, key }) => `arn:aws:s3:::${bucket}/${key}`),
    detail,
  };
}
