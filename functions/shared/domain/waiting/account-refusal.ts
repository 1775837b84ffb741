/**
 * The codes and texts of a refusal that means that somebody must pay, or get a permission, before the account can
 * continue: part of rule 3 of "What an answer is worth" (docs/architecture.md). Refused calls and failed batches use
 * the same ones, for OpenAI and for other vendors, so only this file has them.
 */

const CODE =
  /billing|insufficient_?(?:quota|funds|balance|credits?|tokens?)|credit|budget_?exceeded|exceeded_?budget|(?:usage|spend|spending|budget|cost|hard|monthly)_?limit|payment|quota_?exceeded|exceeded_?(?:current_?)?quota|account_?(?:deactivated|suspended|disabled|inactive|not_active|on_hold)|(?:organization|project)_?(?:deactivated|suspended|disabled|archived|inactive)|subscription|for_plan|plan_|arrear|unverified|not_verified/i;
const TEXT =
  /\bbilling\b|\bhard limit\b|\b(?:exceeded|reached|over) (?:\w+ ){0,4}quota\b|\bquota (?:is |has been |was )?(?:exceeded|exhausted|reached)|\binsufficient[ _](?:quota|funds?|balance|credits?)|\bbalance (?:is |was )?(?:too low|insufficient|not enough|exhausted|negative)|\bnot enough (?:balance|funds)|\bover budget\b|\bbudget (?:has been |is |was )?(?:exceeded|exhausted|reached)|\bexceeded_?budget|\bcredits?\b|\b(?:usage|spend(?:ing)?|budget|monthly|cost) (?:limit|cap)|\bpayments?\b|\bpast due\b|\bunpaid\b|\baccount (?:is |has been |was )?(?:not active|inactive|deactivated|suspended|disabled|blocked|on hold|overdue)|\b(?:organization|project) (?:is |has been |was )?(?:not active|inactive|deactivated|suspended|disabled|archived)|\bsubscription\b(?! key)|\b(?:your|current|this|free|paid|service) (?:plan|tier)\b|\bupgrade\b|\btop[- ]?up\b|\brecharge\b|\barrear|\bgood standing\b|\bprepaid\b|\bmust be verified\b|\bverify (?:your )?organization\b/i;

/** Returns whether a code or an error type means this. `codes` may contain several, separated by spaces. */
export function isAccountCode(codes: string): boolean {
  return CODE.test(codes);
}

/**
 * Returns whether the text of a refusal means this. A refusal for the key or the rate does not, even if it advertises a
 * larger plan.
 */
export function isAccountText(text: string): boolean {
  return TEXT.test(text);
}

/** Returns the message without its quoted parts, which may be the user's own text. */
export function unquoted(message: string): string {
  return message.replaceAll(/"[^"]{0,300}"|`[^`]{0,300}`|(?<![\w])'[^']{0,300}'(?!\w)/g, '');
}
