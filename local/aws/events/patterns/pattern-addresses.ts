import { BlockList, isIP } from 'node:net';

/** Returns a test for addresses in the CIDR block, or AWS's error text for an invalid block. */
export function parseCidr(text: string): string | ((value: unknown) => boolean) {
  const [address = '', bits = '', ...rest] = text.split('/');
  if (bits === '' || rest.length > 0) return "Malformed CIDR, one '/' required";
  if (!/^-?\d+$/.test(bits)) return 'Malformed CIDR, mask bits must be an integer';
  const family = familyOf(address);
  if (family === undefined) return `Nonstandard IP address: ${address}`;
  const mask = Number(bits);
  if (mask < 0) return 'Malformed CIDR, mask bits must not be negative';
  // A mask of all bits is invalid too, because a single address is written without a mask.
  if (family === 'ipv4' && mask > 31) return 'IPv4 mask bits must be < 32';
  if (family === 'ipv6' && mask > 127) return 'IPv6 mask bits must be < 128';
  const block = new BlockList();
  block.addSubnet(address, mask, family);
  return isIn(block);
}

/** Returns a test for the single address in `text`, in any spelling; undefined if `text` is not an address. */
export function parseAddress(text: string): ((value: unknown) => boolean) | undefined {
  const family = familyOf(text);
  if (family === undefined) return undefined;
  const block = new BlockList();
  block.addAddress(text, family);
  return isIn(block);
}

function isIn(block: BlockList): (value: unknown) => boolean {
  return (value) => {
    const family = typeof value === 'string' ? familyOf(value) : undefined;
    return typeof value === 'string' && family !== undefined && block.check(value, family);
  };
}

function familyOf(text: string): 'ipv4' | 'ipv6' | undefined {
  if (text.includes('%')) return undefined; // an interface name is not part of an address
  const version = isIP(text);
  return version === 4 ? 'ipv4' : version === 6 ? 'ipv6' : undefined;
}
