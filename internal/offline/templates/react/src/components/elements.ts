import { createElement, type ReactNode } from "react";
import { type View } from "../lib/view";

/** What React calls otherwise than HTML does. */
const names: Readonly<Record<string, string>> = {
  class: "className",
  for: "htmlFor",
  tabindex: "tabIndex",
  inputmode: "inputMode",
  autocomplete: "autoComplete",
  maxlength: "maxLength",
  onclick: "onClick",
  oncontextmenu: "onContextMenu",
  oninput: "onInput",
  onchange: "onChange",
  onsubmit: "onSubmit",
  onkeydown: "onKeyDown",
  onpointerdown: "onPointerDown",
  onpointerup: "onPointerUp",
  "stroke-dasharray": "strokeDasharray",
  "stroke-dashoffset": "strokeDashoffset",
};

/** What a view says, as React's elements. */
export function elementOf({ tag, attributes, children }: View): ReactNode {
  const properties = Object.entries(attributes).map(([name, value]): [string, unknown] => {
    if (name === "style") return [name, styleOf(String(value))];
    if (name === "oninput" && tag === "input") return ["onChange", value];
    return [names[name] ?? name, value === false ? undefined : value];
  });
  return createElement(tag, Object.fromEntries(properties), ...children.map((child) => (typeof child === "string" ? child : elementOf(child))));
}

function styleOf(text: string): Record<string, string> {
  return Object.fromEntries(text.split(";").map((rule) => rule.split(":").map((word) => word.trim()) as [string, string]));
}
