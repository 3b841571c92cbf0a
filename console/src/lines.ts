// Texts compared line by line: what changed between two, and what two people made of a third.

/** Change is where two texts differ: lines from (below to) of each. */
export interface Change {
  readonly from: number;
  readonly to: number;
  readonly otherFrom: number;
  readonly otherTo: number;
}

const mostSteps = 1000; // beyond, all between what is common at both ends counts as one change

/** changes are the places where b differs from a, in order. */
export function changes(a: readonly string[], b: readonly string[]): Change[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let endA = a.length;
  let endB = b.length;
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) endA--, endB--;
  if (start === endA && start === endB) return [];
  const kept = common(a.slice(start, endA), b.slice(start, endB));
  const out: Change[] = [];
  let i = start;
  let j = start;
  for (const [x, y] of [...(kept ?? []).map(([x, y]) => [x + start, y + start] as const), [endA, endB] as const]) {
    if (x > i || y > j) out.push({ from: i, to: x, otherFrom: j, otherTo: y });
    i = x + 1;
    j = y + 1;
  }
  return out;
}

/** common are the pairs of lines that stay, by Myers' shortest edit; null: that would take too long. */
function common(a: readonly string[], b: readonly string[]): [number, number][] | null {
  const trace: Int32Array[] = [];
  const most = Math.min(a.length + b.length, mostSteps);
  const at = new Int32Array(2 * most + 3); // the furthest place on each diagonal
  const zero = most + 1;
  for (let d = 0; d <= most; d++) {
    trace.push(at.slice(zero - d - 1, zero + d + 2));
    for (let k = -d; k <= d; k += 2) {
      let x = k === -d || (k !== d && at[zero + k - 1]! < at[zero + k + 1]!) ? at[zero + k + 1]! : at[zero + k - 1]! + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      at[zero + k] = x;
      if (x >= a.length && x - k >= b.length) return back(trace, a.length, b.length);
    }
  }
  return null;
}

function back(trace: readonly Int32Array[], x: number, y: number): [number, number][] {
  const pairs: [number, number][] = [];
  for (let d = trace.length - 1; d >= 0; d--) {
    const was = trace[d]!;
    const of = (k: number) => was[k + d + 1]!;
    const k = x - y;
    const before = k === -d || (k !== d && of(k - 1) < of(k + 1)) ? k + 1 : k - 1;
    const fromX = d === 0 ? 0 : of(before);
    const fromY = d === 0 ? 0 : fromX - before;
    while (x > fromX && y > fromY && x > 0 && y > 0) pairs.push([--x, --y]);
    x = fromX;
    y = fromY;
  }
  return pairs.reverse();
}

/** A part of a merged text: lines that stand, or what the two made of the same place. */
export type Piece = { readonly kind: "stands"; readonly lines: readonly string[] } | { readonly kind: "conflict"; readonly base: readonly string[]; readonly mine: readonly string[]; readonly theirs: readonly string[] };

/** merge joins what two made of one text. Where both changed the same place, and not alike, it is a conflict. */
export function merge(base: string, mine: string, theirs: string): Piece[] {
  const o = base.split("\n");
  const sides = [mine.split("\n"), theirs.split("\n")] as const;
  const changed = sides.map((s) => changes(o, s));
  const out: Piece[] = [];
  const stand = (lines: readonly string[]) => {
    const last = out.at(-1);
    if (!lines.length) return;
    if (last?.kind === "stands") out[out.length - 1] = { kind: "stands", lines: [...last.lines, ...lines] };
    else out.push({ kind: "stands", lines });
  };
  const next = [0, 0];
  let at = 0;
  while (next[0]! < changed[0]!.length || next[1]! < changed[1]!.length) {
    const first = Math.min(...changed.map((c, s) => c[next[s]!]?.from ?? Infinity));
    let end = first;
    // Changes that touch belong together.
    const taken: Change[][] = [[], []];
    for (let more = true; more; ) {
      more = false;
      for (const s of [0, 1] as const) {
        const c = changed[s]![next[s]!];
        if (!c || (taken[0]!.length + taken[1]!.length > 0 && c.from > end) || c.from < first) continue;
        taken[s]!.push(c);
        end = Math.max(end, c.to);
        next[s]!++;
        more = true;
      }
    }
    stand(o.slice(at, first));
    const of = (s: 0 | 1): readonly string[] => {
      const c = taken[s]!;
      if (!c.length) return o.slice(first, end);
      return sides[s].slice(c[0]!.otherFrom - (c[0]!.from - first), c.at(-1)!.otherTo + (end - c.at(-1)!.to));
    };
    const [m, t] = [of(0), of(1)];
    if (!taken[1]!.length || same(m, t)) stand(m);
    else if (!taken[0]!.length) stand(t);
    else out.push({ kind: "conflict", base: o.slice(first, end), mine: m, theirs: t });
    at = end;
  }
  stand(o.slice(at));
  return out;
}

const same = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((l, i) => l === b[i]);

/** joined is a merged text in which nothing is left to be said; null: something is. */
export function joined(pieces: readonly Piece[]): string | null {
  if (pieces.some((p) => p.kind === "conflict")) return null;
  return pieces.flatMap((p) => (p.kind === "stands" ? p.lines : [])).join("\n");
}
