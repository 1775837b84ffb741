import type { BatchdropEvent } from '../../../functions/shared/contract/events.ts';
import { type OutgoingEvent, objectsNamedIn } from '../../../functions/shared/domain/outgoing-event.ts';

/** The event as a target of a rule gets it; that the bus makes it so is tested with the bus. */
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
