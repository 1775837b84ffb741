/*
 * Replaces the SDK's maker of random ids in the bundles. It asks for the global `crypto`, and Node then loads all of Web
 * Crypto at each cold start.
 */
import { randomUUID } from 'node:crypto';

/** Replaces the SDK's function of this name: returns a function that returns a random UUID. */
export function bindV4(): () => string {
  return () => randomUUID();
}
