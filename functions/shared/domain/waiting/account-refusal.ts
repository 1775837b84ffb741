/**
 * What the API says when somebody has to pay, or to ask for a right, before the account may continue: part of rule 3 of
 * "What an answer is worth" (docs/architecture.md). A refused call and a failed batch say it in the same codes and words,
 * those of OpenAI and of other vendors, so they are kept here and nowhere else.
 */

const CODE =
  /billing|insufficient_?(?:quota|funds|balance|credits?|tokens?)|credit|budget_?exceeded|exceeded_?budget|(?:usage|spend|spending|budget|cost|hard|monthly)_?limit|payment|quota_?exceeded|exceeded_?(?:current_?)?quota|account_?(?:deactivated|suspended|disabled|inactive|not_active|on_hold)|(?:organization|project)_?(?:deactivated|suspended|disabled|archived|inactive)|subscription|for_plan|plan_|arrear|unverified|not_verified/i;
const TEXT =
  /\bbilling\b|\bhard limit\b|\b(?:exceeded|reached|over) (?:\w+ ){0,4}quota\b|\bquota (?:is |has been |was )?(?:exceeded|exhausted|reached)|\binsufficient[ _](?:quota|funds?|balance|credits?)|\bbalance (?:is |was )?(?:too low|insufficient|not enough|exhausted|negative)|\bnot enough (?:balance|funds)|\bover budget\b|\bbudget (?:has been |is |was )?(?:exceeded|exhausted|reached)|\bexceeded_?budget|\bcredits?\b|\b(?:usage|spend(?:ing)?|budget|monthly|cost) (?:limit|cap)|\bpayments?\b|\bpast due\b|\bunpaid\b|\baccount (?:is |has been |was )?(?:not active|inactive|deactivated|suspended|disabled|blocked|on hold|overdue)|\b(?:organization|project) (?:is |has been |was )?(?:not active|inactive|deactivated|suspended|disabled|archived)|\bsubscription\b(?! key)|\b(?:your|current|this|free|paid|service) (?:plan|tier)\b|\bupgrade\b|\btop[- ]?up\b|\brecharge\b|\barrear|\bgood standing\b|\bprepaid\b|\bmust be verified\b|\bverify (?:your )?organization\b/i;

/** Returns whether a code or an error type says so; `codes` may be several, with spaces between them. */
export function isAccountCode(codes: string): boolean {
  return CODE.test(codes);
}

/** Returns whether a refusal's words say so. Words of a refused key or rate may advertise a larger plan all the same. */
export function isAccountText(text: string): boolean {
  return TEXT.test(text);
}

/** Returns the message without what it quotes, which may be the user's own text. */
export function unquoted(message: string): string {
  return message.replaceAll(/"[^"]{0,300}"|`[^`]{0,300}`|(?<![\w])'[^']{0,300}'(?!\w)/g, '');
}
