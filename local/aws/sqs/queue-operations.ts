import type { Input } from '../protocol/input.ts';
import type { Operation } from '../protocol/json-protocol.ts';
import { queueDoesNotExist, queueNameExists } from './errors.ts';
import { DEFAULT_SETTINGS, type Queue, queueUrl } from './queue.ts';
import { allAttributes, differingAttribute, pickAttributes, withAttributes } from './queue-attributes.ts';
import type { Queues } from './queues.ts';

const MAX_PAGE = 1000;

/** The queue that a request's QueueUrl names; only the path counts, since clients know the host by several names. */
export function queueOfRequest(queues: Queues, input: Input): Queue {
  const url = input.text('QueueUrl');
  const name = url.slice(url.lastIndexOf('/') + 1);
  const queue = queues.find(name);
  if (queue === undefined) throw queueDoesNotExist(name);
  return queue;
}

/** The wire's operations on queues as a whole. */
export function queueOperations(queues: Queues): Record<string, Operation> {
  return {
    CreateQueue: (input, { origin }) => {
      const name = input.text('QueueName');
      const attributes = input.textMap('Attributes');
      const settings = withAttributes(DEFAULT_SETTINGS, attributes);
      const existing = queues.find(name);
      const differing = existing && differingAttribute(existing, attributes);
      if (differing !== undefined) throw queueNameExists(name, differing);
      // By the wall clock: whoever creates a queue over the wire does not know of the virtual one.
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

/** The token is the last name of the page before: names are listed in order. */
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
