/**
 * How a value that a user gave appears in a message: the only place that prints one. What looks like an API key is never
 * printed, because messages end up in the logs of builds.
 */
import { type Duration, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';

const MAX_SHOWN = 100; // characters

/** The keys of OpenAI and of other vendors, the signing secrets of webhooks, and the access keys of AWS. */
const KEY = /(?<![A-Za-z0-9])((sk|pk|rk)-|gsk_|xai-|whsec_|AKIA|ASIA)[\w/+=-]*/i;
const SURE_KEY =
  /(?<![A-Za-z0-9])(sk-(proj|ant|svcacct|admin|None)-[\w-]{8}|(sk|pk|rk)-(?=[\w-]*\d)[\w-]{20}|(gsk_|xai-|whsec_)[\w/+=-]{8}|(AKIA|ASIA)[A-Z0-9]{16})/;

/** Returns whether a text cannot well be anything but a secret. */
export function holdsKey(text: string): boolean {
  return SURE_KEY.test(text);
}

/** Returns whether a text begins as API keys do. */
export function beginsAsKey(text: string): boolean {
  return KEY.exec(text)?.index === 0;
}

/** Returns the value as it is written in a message. */
export function shown(value: unknown): string {
  if (Token.isUnresolved(value)) return 'a token, whose value synth does not know';
  if (typeof value === 'string') return textShown(value);
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  if (Construct.isConstruct(value)) return `the construct ${value.node.path}`;
  if (isDuration(value))
    return value.isUnresolved() ? 'a token, whose value synth does not know' : value.toHumanString();
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** Returns a name, in quotation marks if it is no ordinary one. */
export function nameShown(name: string): string {
  return /^\w+$/.test(name) && !KEY.test(name) ? name : shown(name);
}

/** Returns whether a value is a `Duration`, of whichever copy of the CDK. */
export function isDuration(value: unknown): value is Duration {
  return (
    typeof value === 'object' &&
    value !== null &&
    'toMinutes' in value &&
    'toHumanString' in value &&
    'isUnresolved' in value
  );
}

function textShown(text: string): string {
  if (KEY.test(text)) return 'a text that looks like a key (not shown)';
  return JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text);
}
