/**
 * How many of `count` boxes stand in a row of at most `most`, so that no row looks forgotten: rows are all full, or the
 * last lacks one and its boxes share the room.
 */
export function columns(count: number, most: number): number {
  for (let n = Math.min(count, most); n > 1; n--) if (count % n === 0 || count % n === n - 1) return n;
  return 1;
}

/** The custom properties by which the style sheet spreads boxes over wide, middling and narrow screens. */
export function spread(count: number, narrow = 1): Record<"--wide" | "--middle" | "--narrow", string> {
  return { "--wide": String(columns(count, 4)), "--middle": String(columns(count, 3)), "--narrow": String(columns(count, narrow)) };
}
