// Icons, drawn on a grid of 16 with one stroke. They stand beside words, or in buttons that have a name.
const shapes = {
  add: "M8 3v10M3 8h10",
  apply: "M2.5 8.5 6 12l7.5-8",
  arrow: "M3 8h10M9 4l4 4-4 4",
  back: "M13 8H3M7 4 3 8l4 4",
  bolt: "M9 1.5 3.5 9H8l-1 5.5L12.5 7H8z",
  chat: "M2.5 3.5h11v7.5H7l-3 2.5V11H2.5z",
  check: "M2 8a6 6 0 1 0 12 0A6 6 0 1 0 2 8M5.2 8.2l2 2 3.6-4",
  clock: "M2 8a6 6 0 1 0 12 0A6 6 0 1 0 2 8M8 4.5V8l2.4 1.6",
  close: "M4 4l8 8M12 4l-8 8",
  code: "M5.5 4.5 2 8l3.5 3.5M10.5 4.5 14 8l-3.5 3.5",
  coins: "M2 8a6 6 0 1 0 12 0A6 6 0 1 0 2 8M10 6c-.4-.8-1.100-1-2-1-1.200 0-2 .6-2 1.500 0 2.100 4 .9 4 3 0 .9-.8 1.500-2 1.500-1 0-1.700-.3-2-1.100M8 3.800v1.100M8 11v1.200",
  conflict: "M4 2.500v11M4 6c0 3 8 1 8 4.500v3M10 11.500l2 2 2-2M2.500 4 4 2.500 5.500 4",
  copy: "M5.500 5.500h8v8h-8zM10.500 5.500v-3h-8v8h3",
  desktop: "M2 3h12v8H2zM6 13.500h4M8 11v2.500",
  down: "M4 6.500 8 10.500l4-4",
  download: "M8 2.500v7.500M4.500 7 8 10.500 11.500 7M3 13.500h10",
  dots: "M3.500 8h.01M8 8h.01M12.500 8h.01",
  edit: "M3 13l.6-2.800L10.800 3 13 5.200l-7.200 7.200zM9.300 4.500l2.200 2.200",
  external: "M6.500 3.500h-3v9h9v-3M9 3h4v4M13 3 7.500 8.500",
  failed: "M2 8a6 6 0 1 0 12 0A6 6 0 1 0 2 8M5.800 5.800l4.400 4.400M10.200 5.800l-4.400 4.400",
  file: "M4 2h5l3 3v9H4zM9 2v3h3",
  archive: "M2 3h12v3H2zM3 6v7.500h10V6M6.500 9h3",
  folder: "M2 4h4.500l1.500 1.500h6V13H2z",
  folderOpen: "M2 13V4h4.500L8 5.500h5V7M2 13l1.800-6H14.500l-1.800 6z",
  gear: "M6 8a2 2 0 1 0 4 0A2 2 0 1 0 6 8M8 2v2M8 12v2M2 8h2M12 8h2M3.800 3.800l1.400 1.400M10.800 10.800l1.400 1.400M12.200 3.800l-1.400 1.400M5.200 10.800l-1.400 1.400",
  history: "M3 8a5 5 0 1 0 1.500-3.600M3 2.500V5h2.500M8 5.500V8l2 1.500",
  home: "M2.500 7.500 8 2.500l5.500 5M4 6.500v7h8v-7",
  layers: "M8 2 2 5l6 3 6-3zM2 8l6 3 6-3M2 11l6 3 6-3",
  list: "M5.500 4h8M5.500 8h8M5.500 12h8M2.500 4h.01M2.500 8h.01M2.500 12h.01",
  menu: "M2.500 4.500h11M2.500 8h11M2.500 11.500h11",
  minus: "M3 8h10",
  moon: "M13 9.500A5.500 5.500 0 0 1 6.500 3a5.500 5.500 0 1 0 6.500 6.500z",
  paused: "M6 4v8M10 4v8",
  phone: "M5 2h6v12H5zM7.500 12h1",
  play: "M5 3l7.500 5L5 13z",
  question: "M2 8a6 6 0 1 0 12 0A6 6 0 1 0 2 8M6.300 6.300c.2-1 .9-1.500 1.800-1.500 1 0 1.700.7 1.700 1.600 0 1.300-1.700 1.400-1.700 2.600M8.100 11.200v.01",
  reload: "M13 8a5 5 0 1 1-1.500-3.600M13 2.500V5h-2.500",
  restore: "M3 7h7a3.500 3.500 0 0 1 0 7H7M3 7l3-3M3 7l3 3",
  search: "M2.500 7a4.500 4.500 0 1 0 9 0 4.500 4.500 0 1 0-9 0M10.300 10.300 14 14",
  send: "M2.500 8 13.500 3l-4 10.500-2.500-4z",
  spark: "M8 2l1.500 4.500L14 8l-4.500 1.500L8 14l-1.500-4.500L2 8l4.500-1.500z",
  stop: "M4 4h8v8H4z",
  sun: "M5.500 8a2.500 2.500 0 1 0 5 0 2.500 2.500 0 1 0-5 0M8 1.500v1.700M8 12.800v1.700M1.500 8h1.700M12.800 8h1.700M3.400 3.400l1.200 1.200M11.400 11.400l1.200 1.200M12.600 3.400l-1.200 1.200M4.600 11.400l-1.200 1.200",
  tablet: "M3.500 2h9v12h-9zM7.500 12h1",
  trash: "M3 4.500h10M6 4.500v-2h4v2M4.500 4.500l.6 9h5.800l.6-9",
  upload: "M8 10.500V3M4.500 6 8 2.500 11.500 6M3 13.500h10",
  warning: "M8 2.500 14.500 13.500h-13zM8 6.500v3.500M8 11.800v.01",
  waiting: "M4 2.500h8M4 13.500h8M4.500 2.500c0 3.500 3.500 3.500 3.500 5.500s-3.500 2-3.500 5.500M11.500 2.500c0 3.500-3.500 3.500-3.500 5.500s3.500 2 3.500 5.500",
} as const;

export type IconName = keyof typeof shapes;

export function Icon({ name, class: more }: { name: IconName; class?: string }) {
  return (
    <svg class={"icon " + (more ?? "")} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={shapes[name]} />
    </svg>
  );
}

/** Mark is the sign of the product. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path class="mark-body" d="M3 2.500h14A1.500 1.500 0 0 1 18.500 4v12a1.500 1.500 0 0 1-1.500 1.500H3A1.500 1.500 0 0 1 1.500 16V4A1.500 1.500 0 0 1 3 2.500z" />
      <path class="mark-line" d="M5.500 7 9 10l-3.500 3M10.500 13.500h4" />
    </svg>
  );
}
