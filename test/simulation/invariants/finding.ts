/** How much was examined for a promise, and where it is broken. */
export interface Finding {
  promise: string;
  examined: number;
  broken: string[];
}
