import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { invalidArgument, malformedXml } from '../errors.ts';

/** A parsed element: text, elements by name, or several elements of the same name. */
type Parsed = string | { readonly [element: string]: Parsed | undefined } | readonly Parsed[];

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

// The parser's own decoder stops after a thousand references, and drops those to control characters, which S3 keys may
// contain.
const entityDecoder = {
  setExternalEntities: () => {},
  addInputEntities: () => {
    throw malformedXml('it declares entities');
  },
  reset: () => {},
  setXmlVersion: () => {},
  decode: (text: string) =>
    text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));/gi, (whole, hex, decimal, name) => {
      if (name !== undefined) return ENTITIES[name] ?? whole;
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      if (code > 0x10ffff) throw malformedXml(`${whole} is not a character`);
      return String.fromCodePoint(code);
    }),
};

const parser = new XMLParser({
  parseTagValue: false, // a key may look like a number
  trimValues: false, // or begin with a space
  entityDecoder,
});

function parseDocument(xml: string, root: string): Parsed {
  if (XMLValidator.validate(xml) !== true) throw malformedXml('it is not well-formed');
  const document: Parsed = parser.parse(xml);
  const content = child(document, root);
  if (content === undefined) throw malformedXml(`there is no ${root}`);
  return content;
}

const child = (parsed: Parsed, name: string): Parsed | undefined =>
  typeof parsed === 'object' && !isList(parsed) ? parsed[name] : undefined;

const isList = (parsed: Parsed): parsed is readonly Parsed[] => Array.isArray(parsed);

const children = (parsed: Parsed, name: string): readonly Parsed[] => {
  const found = child(parsed, name);
  if (found === undefined) return [];
  return isList(found) ? found : [found];
};

function textWithin(parsed: Parsed, name: string): string | undefined {
  const found = child(parsed, name);
  if (found === undefined || typeof found === 'string') return found;
  throw malformedXml(`${name} has child elements`);
}

interface DeleteDocument {
  readonly quiet: boolean;
  readonly objects: readonly { readonly key: string; readonly versionId: string | undefined }[];
}

const MAX_DELETIONS = 1000;

/** Parses the body of DeleteObjects. */
export function parseDelete(xml: string): DeleteDocument {
  const document = parseDocument(xml, 'Delete');
  const objects = children(document, 'Object').map((object) => {
    const key = textWithin(object, 'Key');
    if (key === undefined || key === '') throw malformedXml('an Object has no Key');
    return { key, versionId: textWithin(object, 'VersionId') };
  });
  if (objects.length === 0) throw malformedXml('there is no Object');
  if (objects.length > MAX_DELETIONS) throw malformedXml(`there are more than ${MAX_DELETIONS} Objects`);
  return { quiet: textWithin(document, 'Quiet') === 'true', objects };
}

/** Parses the body of PutObjectTagging into pairs of key and value. */
export function parseTagging(xml: string): [string, string][] {
  const set = child(parseDocument(xml, 'Tagging'), 'TagSet');
  if (set === undefined) throw malformedXml('there is no TagSet');
  return children(set, 'Tag').map((tag): [string, string] => {
    const [key, value] = [textWithin(tag, 'Key'), textWithin(tag, 'Value')];
    if (key === undefined || value === undefined) throw malformedXml('a Tag has no Key or no Value');
    return [key, value];
  });
}

export interface CompletedPart {
  readonly number: number;
  readonly etag: string;
  /** Base64, by algorithm. */
  readonly checksums: ReadonlyMap<string, string>;
}

/** Parses the body of CompleteMultipartUpload. */
export function parseCompletedParts(xml: string): CompletedPart[] {
  const parts = children(parseDocument(xml, 'CompleteMultipartUpload'), 'Part').map((part) => {
    const etag = textWithin(part, 'ETag');
    if (etag === undefined) throw malformedXml('a Part has no ETag');
    const checksums = new Map<string, string>();
    for (const name of Object.keys(part)) {
      const value = name.startsWith('Checksum') ? textWithin(part, name) : undefined;
      if (value !== undefined) checksums.set(name.slice('Checksum'.length), value);
    }
    return { number: partNumberOf(textWithin(part, 'PartNumber') ?? ''), etag, checksums };
  });
  if (parts.length === 0) throw malformedXml('there is no Part');
  return parts;
}

/** Parses the number of a part, 1 to 10,000. */
export function partNumberOf(text: string): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= 10_000) return number;
  throw invalidArgument('partNumber', text, 'Part number must be an integer between 1 and 10000, inclusive');
}
