/** A claim that expires: after `until` (milliseconds), the holder does nothing irrevocable. */
export interface Lease {
  holder: string;
  until: number;
}
