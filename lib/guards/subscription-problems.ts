import { nearestName } from './nearest-name.ts';
import { having, isPlain, unknownFieldProblems } from './shape.ts';
import { shown } from './shown.ts';

/** Which statuses a subscription may name. */
interface Statuses {
  /** Whose they are. */
  readonly of: string;
  readonly known: readonly string[];
  /** The statuses of the other kind, and the method for them. */
  readonly others: readonly string[];
  readonly method: string;
}

const TARGET = having(
  ['bind'],
  'a target of aws-cdk-lib/aws-events-targets, such as new SqsQueue(queue) or new LambdaFunction(handler)',
);

/** Yields what is wrong with a subscription, one sentence each. */
export function* subscriptionProblems(given: unknown, statuses: Statuses): Generator<string> {
  const subscription = isPlain(given) ? given : {};
  const { target, status } = subscription;
  yield* unknownFieldProblems('the subscription', subscription, ['target', 'status']);
  if (!TARGET.fits(target))
    yield `target is ${target === undefined ? 'not set' : shown(target)}; set ${TARGET.instead}.`;
  if (status !== undefined) yield* statusProblems(status, statuses);
}

/** An empty list, perhaps from a filter that matched nothing, must not subscribe to all statuses. */
function* statusProblems(status: unknown, { of, known, others, method }: Statuses): Generator<string> {
  if (!Array.isArray(status)) {
    yield `status is ${shown(status)}; set a list of statuses of ${of}, such as ['${known.at(-1)}'].`;
    return;
  }
  if (status.length === 0)
    yield 'the list of statuses is empty; name at least one, or omit status to match all.';
  for (const one of status) {
    if (known.includes(one)) continue;
    const near = nearestName(String(one), known);
    if (others.includes(one)) yield `status has ${shown(one)}, which ${of} never have; use ${method}().`;
    else if (near !== undefined) yield `status has ${shown(one)}; did you mean ${near}?`;
    else yield `status has ${shown(one)}; the statuses of ${of} are ${known.join(', ')}.`;
  }
}
