/**
 * Runs the messaging engines in their own process, for tests that kill it, and prints the endpoint's URL. Arguments:
 * the directory of its state, and whether EventBridge delivers (`deliver`) or only records (`record`).
 */
import { DynamoDbEngine } from '../../../local/aws/dynamodb/engine.ts';
import { EventsEngine } from '../../../local/aws/events/engine.ts';
import { startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { SqsEngine } from '../../../local/aws/sqs/engine.ts';
import { VirtualClock } from '../../../local/clock.ts';

const [directory = '', delivery] = process.argv.slice(2);
const clock = new VirtualClock();
const sqs = new SqsEngine({ directory, clock });
const events = new EventsEngine({
  directory,
  clock,
  sendToQueue: (arn, body, attributes) => void sqs.queues.send(arn, body, { attributes }),
  invokeLambda: () => Promise.reject(new Error('there are no functions here')),
  report: (problem) => console.error(problem),
});
const dynamodb = new DynamoDbEngine({ directory });
await dynamodb.createTable({
  TableName: 'ledger',
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'sk', AttributeType: 'S' },
    { AttributeName: 'dueShard', AttributeType: 'N' },
    { AttributeName: 'dueAt', AttributeType: 'N' },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: 'due',
      KeySchema: [
        { AttributeName: 'dueShard', KeyType: 'HASH' },
        { AttributeName: 'dueAt', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'KEYS_ONLY' },
    },
  ],
});
if (delivery === 'deliver') events.start();
const { url } = await startEndpoint({ services: [sqs, events, dynamodb], port: 0 });
console.log(url);
