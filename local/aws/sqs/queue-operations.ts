import type { Input } from '../protocol/input.ts';
import type { Operation } from '../protocol/json-protocol.ts';
import { queueDoesNotExist, queueNameExists } from './errors.ts';
import { DEFAULT_SETTINGS, type Queue, queueUrl } from './queue.ts';
import { allAttributes, differingAttribute, pickAttributes, withAttributes } from './queue-attributes.ts';
import type { Queues } from './queues.ts';

const MAX_PAGE = 1000;

/** Returns the queue that a request's QueueUrl names. Only the path counts, because clients use several host names. */
export function queueOfRequest(queues: Queues, input: Input): Queue {
  const url = input.text('QueueUrl');
  const name = url.slice(url.lastIndexOf('/') + 1);
  const queue = queues.find(name);
  if (queue === undefined) throw queueDoesNotExist(name);
  return queue;
}

/** The API's operations on queues. */
export function queueOperations(queues: Queues): Record<string, Operation> {
  return {
    CreateQueue: (input, { origin }) => {
      const name = input.text('QueueName');
      const attributes = input.textMap('Attributes');
      const settings = withAttributes(DEFAULT_SETTINGS, attributes);
      const existing = queues.find(name);
      const differing = existing && differingAttribute(existing, attributes);
      if (differing !== undefined) throw queueNameExists(name, differing);
      // The queue uses the wall clock, because a program that creates a queue does not know the virtual clock.
      if (existing === undefined) queues.createQueue(name, { ...settings, time: 'wall' });
      return { QueueUrl: queueUrl(origin, name) };
    },
    GetQueueUrl: (input, { origin }) => {
      const name = input.text('QueueName');
      if (queues.find(name) === undefined) throw queueDoesNotExist(name);
      return { QueueUrl: queueUrl(origin, name) };
    },
    ListQueues: (input, { origin }) => listQueues(queues, input, origin),
    GetQueueAttributes: (input) => {
      const queue = queueOfRequest(queues, input);
      const attributes = allAttributes(queue, queues.counts(queue));
      return { Attributes: pickAttributes(attributes, input.texts('AttributeNames')) };
    },
    SetQueueAttributes: (input) => {
      const queue = queueOfRequest(queues, input);
      queues.changeSettings(queue, withAttributes(queue.settings, input.textMap('Attributes')));
      return {};
    },
    DeleteQueue: (input) => {
      queues.deleteQueue(queueOfRequest(queues, input));
      return {};
    },
    PurgeQueue: (input) => {
      queues.purge(queueOfRequest(queues, input));
      return {};
    },
  };
}

/** Lists the queues by name. The token is the last name of the previous page. */
function listQueues(queues: Queues, input: Input, origin: string): object {
  const prefix = input.optionalText('QueueNamePrefix') ?? '';
  const after = input.optionalText('NextToken') ?? '';
  const limit = input.optionalInteger('MaxResults') ?? MAX_PAGE;
  const names = queues.names().filter((name) => name.startsWith(prefix) && name > after);
  const page = names.slice(0, limit);
  const last = page.at(-1);
  return {
    QueueUrls: page.map((name) => queueUrl(origin, name)),
    ...(names.length > page.length && last !== undefined && { NextToken: last }),
  };
}
