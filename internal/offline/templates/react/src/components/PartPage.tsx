import { useState, useSyncExternalStore } from "react";
import { run, type Part } from "../lib/part";
import { elementOf } from "./elements";

interface Props<State, Action> {
  readonly title: string;
  readonly intro: string;
  /** The title stands above the middle, as games do. */
  readonly middle?: boolean;
  readonly part: Part<State, Action>;
}

/** The page of something that the app does. */
export function PartPage<State, Action>({ title, intro, middle = false, part }: Props<State, Action>) {
  const [running] = useState(() => run(part));
  useSyncExternalStore(running.onChange, running.version);
  return (
    <>
      <div className={`mb-6 ${middle ? "grid justify-items-center text-center" : ""}`}>
        <h1 className="text-3xl font-bold md:text-4xl">{title}</h1>
        <p className="mt-1.5 max-w-prose text-muted">{intro}</p>
      </div>
      <div className="part">{elementOf(running.view())}</div>
    </>
  );
}
