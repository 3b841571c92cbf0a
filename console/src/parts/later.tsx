// What nobody sees first, and is fetched when somebody does.
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { Failure, Waiting } from "./basics";

type Parts = typeof import("../later");

const parts = signal<Parts | Error | null>(null);
let asked = false;

function load(): void {
  if (asked) return;
  asked = true;
  import("../later").then((m) => (parts.value = m), (e: Error) => {
    asked = false;
    parts.value = e;
  });
}

/** Later shows what is made of those parts, once they are there. */
export function Later({ children }: { children: (of: Parts) => ComponentChildren }) {
  useEffect(load, []);
  const of = parts.value;
  if (of instanceof Error) return <Failure error={of} retry={load} />;
  return of ? <>{children(of)}</> : <div class="page"><Waiting rows={6} /></div>;
}
