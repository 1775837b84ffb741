/** One action on one resource, as in a policy. */
export interface Need {
  /** `service:Action`. */
  readonly action: string;
  /** An ARN, or `*` for an action without a resource. */
  readonly resource: string;
}

/** The sender of a request. */
export interface Caller {
  /** Throws AccessDenied, in AWS's wording, unless the caller is allowed to do this. */
  demand(need: Need): void;
}

/** The owner of the account: the caller behind every access key that is not a function's. */
export const ACCOUNT_OWNER: Caller = { demand() {} };
