/** How often a promise was examined, and where it was broken. */
export interface Finding {
  promise: string;
  examined: number;
  broken: string[];
}
