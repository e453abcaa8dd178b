// What may change in a contract: a short list of additive changes; everything else is breaking.
import { isDeepStrictEqual } from 'node:util';

export type Json = Readonly<Record<string, unknown>>;

export interface Contract extends Json {
  readonly name: string;
  readonly version: string;
}

export interface Change {
  place: string;
  additive: boolean;
}

const TEXTS = ['description', 'sideEffects', 'title'];

/** Each change between two versions of a contract. */
export function changes(before: Json, after: Json): Change[] {
  return changedKeys(before, after, 'version').flatMap((key) => {
    const [old, now] = [before[key], after[key]];
    if (/^(?:input|output)Schema$/.test(key) && isObject(old) && isObject(now)) {
      return schemaChanges(old, now, key);
    }
    const onlyTexts =
      (key === 'errors' || key === 'arguments') &&
      isDeepStrictEqual(withoutTexts(old), withoutTexts(now));
    return [{ place: key, additive: onlyTexts || key === 'deprecated' || TEXTS.includes(key) }];
  });
}

/** The changes of a schema at every depth. */
function schemaChanges(before: Json, after: Json, path: string): Change[] {
  const own = changedKeys(before, after, 'properties').flatMap((key) => {
    const place = `${path}.${key}`;
    const [old, now] = [before[key], after[key]];
    if (key === 'items' && isObject(old) && isObject(now)) return schemaChanges(old, now, place);
    if (key !== 'required') return [{ place, additive: TEXTS.includes(key) }];
    const grown = names(old).every((name) => names(now).includes(name));
    return [{ place, additive: grown && path.startsWith('outputSchema') }];
  });
  const [old, now] = [properties(before), properties(after)];
  const members = changedKeys(old, now).flatMap((name) => {
    const place = `${path}.properties.${name}`;
    const [schema, changed] = [old[name], now[name]];
    if (isObject(schema) && isObject(changed)) return schemaChanges(schema, changed, place);
    return [{ place, additive: schema === undefined }];
  });
  return [...own, ...members];
}

/** What is wrong with the version of a changed contract, if anything. */
export function verdict(before: Contract, after: Contract): string | undefined {
  const found = changes(before, after);
  const breaking = found.filter(({ additive }) => !additive);
  const list = (some: Change[]) => some.map(({ place }) => place).join(', ');
  if (breaking.length > 0 && major(after.version) <= major(before.version)) {
    return (
      `${after.name}: breaking without a higher major version: ${list(breaking)}. ` +
      'Clients rely on what stood there: put it back and deprecate it first, ' +
      `or give the contract version ${major(before.version) + 1}.0.0 in the registry.`
    );
  }
  if (found.length > 0 && compareVersions(after.version, before.version) <= 0) {
    return (
      `${after.name}: changed without a higher version: ${list(found)}. ` +
      `Give the contract a version above ${before.version} in the registry.`
    );
  }
  return undefined;
}

/** Negative, zero or positive, as with sort. */
export function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function changedKeys(before: Json, after: Json, ignored?: string): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys]
    .filter((key) => key !== ignored && !isDeepStrictEqual(before[key], after[key]))
    .sort();
}

function withoutTexts(items: unknown): unknown {
  if (!Array.isArray(items)) return items;
  return items.map((item: Json) =>
    Object.fromEntries(Object.entries(item).filter(([key]) => !TEXTS.includes(key))),
  );
}

function properties(schema: Json): Json {
  return isObject(schema['properties']) ? schema['properties'] : {};
}

function names(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function major(version: string): number {
  return Number.parseInt(version, 10);
}
