/** One action on one resource, as a policy names them. */
export interface Need {
  /** `service:Action`. */
  readonly action: string;
  /** An ARN, or `*` for what is done to no resource in particular. */
  readonly resource: string;
}

/** Whoever sent a request. */
export interface Caller {
  /** Throws AccessDenied, in the words of AWS, unless the caller may do this. */
  demand(need: Need): void;
}

/** Any access key that is no function's: a person at this machine, to whom the account belongs. */
export const ACCOUNT_OWNER: Caller = { demand() {} };
