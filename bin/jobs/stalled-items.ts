import { paginateScan } from '@aws-sdk/client-dynamodb';
import { itemIn } from '../../functions/shared/adapters/dynamodb/ledger-attributes.ts';
import type { Job } from '../../functions/shared/domain/job.ts';
import type { Part } from '../../functions/shared/domain/part.ts';
import { MAX_TRIES } from '../../functions/shared/domain/timing.ts';
import type { Connection } from '../connection/connection.ts';

/** Parts and jobs that have used up their tries and are tried on, a few words each. Reads the whole ledger. */
export async function stalledItems({ dynamoDb, names }: Connection): Promise<string[]> {
  const pages = paginateScan(
    { client: dynamoDb },
    {
      TableName: names.ledgerTable,
      FilterExpression: 'tries >= :most AND attribute_exists(dueAt)',
      ExpressionAttributeValues: { ':most': { N: String(MAX_TRIES) } },
    },
  );
  const stalled: string[] = [];
  for await (const page of pages) {
    for (const attributes of page.Items ?? []) {
      const item = itemIn<Job | Part>(attributes, Date.now());
      if (item?.kind === 'part' && item.stalled)
        stalled.push(`job ${item.jobId} part ${item.number}: ${item.stalled.message}`);
      if (item?.kind === 'job' && isOpen(item)) stalled.push(`job ${item.jobId}: ${item.tries} tries`);
    }
  }
  return stalled;
}

function isOpen({ status }: Job): boolean {
  return status === 'accepted' || status === 'submitted';
}
