import { writeDocument, type XmlContent } from '../../protocol/xml.ts';

const S3_NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** Returns an XML document in S3's namespace. */
export const writeXml = (root: string, content: XmlContent): string =>
  writeDocument(root, content, S3_NAMESPACE);

/** Returns an error document, the only kind that S3 writes without its namespace. */
export const writeErrorXml = (content: XmlContent): string => writeDocument('Error', content);
