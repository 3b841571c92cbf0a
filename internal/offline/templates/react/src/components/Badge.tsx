import { type ReactNode } from "react";

const ranks = [
  "border-transparent bg-soft text-on-soft",
  "border-transparent bg-accent text-on-accent",
  "border-accent text-accent",
  "border-edge text-muted",
];

/** An option of a choice; its place among the options decides its colours. */
export function Badge({ rank, children }: { rank: number; children: ReactNode }) {
  return <span className={`inline-block rounded-full border px-2.5 py-0.5 text-sm font-semibold ${ranks[rank % ranks.length]}`}>{children}</span>;
}
