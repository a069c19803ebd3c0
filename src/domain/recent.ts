/**
 * Puts an entry in as the newest. Beyond `max` entries the oldest goes: a Map keeps the order of insertion. Whoever puts an
 * entry in again when it is used, drops the one used longest ago; whoever does not, the one made longest ago.
 */
export function keepRecent<K, V>(kept: Map<K, V>, key: K, value: V, max: number): void {
  kept.delete(key);
  kept.set(key, value);
  const [oldest] = kept.size > max ? kept.keys() : [];
  if (oldest !== undefined) kept.delete(oldest);
}
