import { MAX_SHARE_NAME } from '../../functions/shared/contract/open-batches.ts';
import { METADATA_LIMITS } from '../../functions/shared/contract/request-file.ts';
import type { BudgetProps } from '../budget-props.ts';
import { shown } from '../guards/shown.ts';

const MAX_GROUPS = 30;
const MAX_AMOUNT = 1_000_000_000;
const DECIMALS = 6;
/** Returns whether it can be the name of a metadata pair: S3 returns names in lower case. */
export function isPairName(name: string): boolean {
  return name.length <= METADATA_LIMITS.nameLength && /^[!-@[-~]+$/.test(name);
}

/** What is wrong with the budget, a sentence each. */
export function* budgetProblems(budget: BudgetProps | undefined): Generator<string> {
  if (!budget) return;
  const { by, each = {}, eachPerMonth = {}, perDay, perMonth, others, othersPerMonth } = budget;
  const groups = [...new Set([...Object.keys(each), ...Object.keys(eachPerMonth)])];
  const all = { perDay, perMonth, others, othersPerMonth };
  const amounts = Object.values({ ...all }).filter((amount) => amount !== undefined);
  if (amounts.length === 0 && groups.length === 0)
    yield 'budget sets no amount; set perDay, perMonth, each or others.';
  if (by !== undefined && !isPairName(by))
    yield `budget.by is ${shown(by)}; set the name of a metadata pair in lower case, without the prefix, such as team.`;
  if (by === undefined && groups.length > 0)
    yield `budget.each names ${groups.join(', ')} without budget.by; set budget.by, such as team.`;
  if (groups.length > MAX_GROUPS)
    yield `budget.each and budget.eachPerMonth name ${groups.length} groups; name at most ${MAX_GROUPS}.`;
  for (const group of groups)
    if (group.length === 0 || group.length > MAX_SHARE_NAME)
      yield `budget.each names the group ${shown(group)}; a name has 1 to ${MAX_SHARE_NAME} characters.`;
  yield* amountProblems('budget', all);
  yield* amountProblems('budget.each', each);
  yield* amountProblems('budget.eachPerMonth', eachPerMonth);
}

function* amountProblems(
  name: string,
  amounts: { readonly [name: string]: number | undefined },
): Generator<string> {
  for (const [key, amount] of Object.entries(amounts)) {
    if (amount === undefined || isAmount(amount)) continue;
    yield `${name}.${key} is ${shown(amount)}; set an amount above 0, at most ${MAX_AMOUNT}, with at most ${DECIMALS} decimals.`;
  }
}

function isAmount(amount: number): boolean {
  return (
    typeof amount === 'number' &&
    amount > 0 &&
    amount <= MAX_AMOUNT &&
    Number(amount.toFixed(DECIMALS)) === amount
  );
}
