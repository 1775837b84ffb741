/** What one promise looked at and what it found broken. */
export interface Finding {
  promise: string;
  examined: number;
  broken: string[];
}
