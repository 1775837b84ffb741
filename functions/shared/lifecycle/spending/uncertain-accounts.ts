/**
 * Rule 1 of "What an answer is worth" (docs/architecture.md), for a whole account: while a part is stalled because of
 * unresolved creates, no part of its account begins again by itself. Until a create gets a response, the account's
 * creates are sent one at a time. The control item lists these accounts. A stalled part keeps its account on the list
 * for as long as it is stalled.
 */
import { RetryableError } from '../../domain/errors.ts';
import type { Control, UncertainAccount } from '../../domain/ledger-records.ts';
import { isSameAccount } from '../../domain/openai-account.ts';
import type { Intent } from '../../domain/spending/intents.ts';
import { REPORT_STALL_MS, SETTLING_MS } from '../../domain/timing.ts';
import type { Ports } from '../../ports/ports.ts';

type Deps = Pick<Ports, 'ledger' | 'clock'>;

const LISTED_FOR_MS = 2 * REPORT_STALL_MS + 5 * 60_000; // a stalled part may miss one of its reports
const MAX_ACCOUNTS = 20; // one is usual; each key of another account may add one
const MAX_CONFLICTS = 25; // POLL writes the same item twice per minute
const WAIT_SECONDS = 120;

/** Lists the account until well after the stalled part's next report. `isNew`: the part has just stalled. */
export async function noteStalled(deps: Deps, account: string | undefined, isNew: boolean): Promise<void> {
  await changeAccounts(deps, (accounts, now) => {
    const known = entryOf(accounts, account);
    const entry = { ...(known ?? named(account)), until: now + LISTED_FOR_MS };
    if (isNew) delete entry.answered;
    return [...accounts.filter((other) => other !== known), entry].slice(-MAX_ACCOUNTS);
  });
}

/** Returns the account's entry, if it is listed now. An unknown account matches every entry. */
export function uncertainAccount(
  { uncertain = [] }: Pick<Control, 'uncertain'>,
  account: string | undefined,
  now: number,
): UncertainAccount | undefined {
  return entryOf(
    uncertain.filter(({ until }) => until > now),
    account,
  );
}

/**
 * Claims the account's only create if its creates are sent one at a time; returns whether they are. The claim ends when
 * the create gets a response (`noteAnswered`), or when it could be abandoned. Errors: RetryableError, also while
 * another create has the claim.
 */
export function claimCreate(deps: Deps, intent: Intent, sendBy: number): Promise<boolean> {
  return changeAccounts(deps, (accounts, now) => {
    const known = entryOf(accounts, intent.account);
    if (!known || known.answered) return undefined;
    const { create } = known;
    if (create && create.intentId !== intent.id && create.until > now)
      throw new RetryableError(
        'create: creates of the account have no known outcome; they are sent one at a time until one is answered',
        { afterSeconds: WAIT_SECONDS },
      );
    const claimed = { ...known, create: { intentId: intent.id, until: sendBy + SETTLING_MS } };
    return accounts.map((other) => (other === known ? claimed : other));
  });
}

/** Records that a create of the account got a response, so its creates need not wait for each other any more. */
export async function noteAnswered(deps: Deps, account: string | undefined): Promise<void> {
  await changeAccounts(deps, (accounts) => {
    const known = entryOf(accounts, account);
    if (!known || known.answered) return undefined;
    const { create: _, ...rest } = known;
    return accounts.map((other) => (other === known ? { ...rest, answered: true } : other));
  });
}

/** Changes the entries of the accounts listed now. Returns false if `change` returned undefined: nothing to change. */
async function changeAccounts(
  { ledger, clock }: Deps,
  change: (accounts: readonly UncertainAccount[], now: number) => UncertainAccount[] | undefined,
): Promise<boolean> {
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const { uncertain = [], ...control } = await ledger.readControl();
    const now = clock.now();
    const changed = change(
      uncertain.filter(({ until }) => until > now),
      now,
    );
    if (!changed) return false;
    const next = changed.length === 0 ? control : { ...control, uncertain: changed };
    if (await ledger.replaceControl(next)) return true;
  }
  throw new RetryableError(`change the control item: ${MAX_CONFLICTS} conflicts in a row`);
}

function entryOf<Entry extends UncertainAccount>(
  accounts: readonly Entry[],
  account: string | undefined,
): Entry | undefined {
  return accounts.find(
    (entry) => entry.account === undefined || account === undefined || isSameAccount(entry.account, account),
  );
}

function named(account: string | undefined): Omit<UncertainAccount, 'until'> {
  return account === undefined ? {} : { account };
}
