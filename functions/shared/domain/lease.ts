/** A claim with an end: the holder does nothing irrevocable after `until` (milliseconds). */
export interface Lease {
  holder: string;
  until: number;
}
