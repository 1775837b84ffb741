import { createHash } from 'node:crypto';
import type { Input } from '../protocol/input.ts';
import { invalidParameter } from './errors.ts';

/** A message attribute as sent over HTTP; `BinaryValue` is base64. */
interface MessageAttribute {
  readonly DataType: string;
  readonly StringValue?: string;
  readonly BinaryValue?: string;
}

export type MessageAttributes = Readonly<Record<string, MessageAttribute>>;

const MAX_ATTRIBUTES = 10;
const NAME = /^(?!.*\.\.)(?![.])[A-Za-z0-9_.-]{1,256}(?<![.])$/;
const DATA_TYPE = /^(String|Number|Binary)(\.[^\s]{1,250})?$/;

/** Parses the attributes of a message to send. Throws InvalidParameterValue. */
export function parseMessageAttributes(map: Input | undefined): MessageAttributes {
  const names = map?.names() ?? [];
  if (names.length > MAX_ATTRIBUTES) {
    throw invalidParameter(
      `A message has at most ${MAX_ATTRIBUTES} attributes; this one has ${names.length}.`,
    );
  }
  const attributes: Record<string, MessageAttribute> = {};
  for (const name of names) {
    const fields = map?.optionalObject(name);
    if (fields !== undefined) attributes[name] = parseAttribute(name, fields);
  }
  return attributes;
}

function parseAttribute(name: string, fields: Input): MessageAttribute {
  if (!NAME.test(name)) throw invalidParameter(`"${name}" is not a valid name for a message attribute.`);
  const DataType = fields.text('DataType');
  const base = DATA_TYPE.exec(DataType)?.[1];
  if (base === undefined) {
    throw invalidParameter(`The message attribute '${name}' has an invalid type: ${DataType}.`);
  }
  const value = fields.optionalText(base === 'Binary' ? 'BinaryValue' : 'StringValue');
  if (value === undefined || value === '') {
    throw invalidParameter(
      `The message attribute '${name}' must contain a non-empty value of type ${DataType}.`,
    );
  }
  if (base === 'Number' && (value.trim() === '' || !Number.isFinite(Number(value)))) {
    throw invalidParameter(`The message attribute '${name}' is not a number.`);
  }
  return base === 'Binary' ? { DataType, BinaryValue: value } : { DataType, StringValue: value };
}

/** Returns the attributes' share of a message's size, in bytes. */
export function attributeBytes(attributes: MessageAttributes): number {
  let bytes = 0;
  for (const [name, attribute] of Object.entries(attributes)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(attribute.DataType) + valueBytes(attribute).length;
  }
  return bytes;
}

/**
 * Returns the attributes that a receive call requests: by name, by `prefix.*`, or all. Undefined if there are none,
 * because AWS then omits the field.
 */
export function selectAttributes(
  attributes: MessageAttributes,
  asked: readonly string[],
): MessageAttributes | undefined {
  const wanted = (name: string) =>
    asked.some(
      (pattern) =>
        pattern === 'All' ||
        pattern === name ||
        (pattern.endsWith('.*') && name.startsWith(pattern.slice(0, -'.*'.length))),
    );
  const selected = Object.entries(attributes).filter(([name]) => wanted(name));
  return selected.length === 0 ? undefined : Object.fromEntries(selected);
}

export function md5Hex(content: string | Buffer): string {
  return createHash('md5').update(content).digest('hex');
}

/**
 * Returns the digest with which clients verify the attributes. For each attribute, sorted by name, it covers the
 * length-prefixed name and type, a byte for text (1) or binary (2), and the length-prefixed value.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
 */
export function md5OfAttributes(attributes: MessageAttributes): string {
  const pieces: Buffer[] = [];
  for (const name of Object.keys(attributes).toSorted()) {
    const attribute = attributes[name];
    if (attribute === undefined) continue;
    const kind = Buffer.from([attribute.BinaryValue === undefined ? 1 : 2]);
    pieces.push(lengthPrefixed(Buffer.from(name)), lengthPrefixed(Buffer.from(attribute.DataType)));
    pieces.push(kind, lengthPrefixed(valueBytes(attribute)));
  }
  return md5Hex(Buffer.concat(pieces));
}

function valueBytes(attribute: MessageAttribute): Buffer {
  return attribute.BinaryValue === undefined
    ? Buffer.from(attribute.StringValue ?? '')
    : Buffer.from(attribute.BinaryValue, 'base64');
}

function lengthPrefixed(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
