import { type ComponentProps } from "react";

const looks = {
  primary: "border-transparent bg-accent text-on-accent hover:brightness-110",
  danger: "border-transparent bg-danger text-on-danger hover:brightness-110",
  quiet: "border-edge hover:bg-soft hover:text-on-soft",
  plain: "border-transparent text-muted hover:bg-soft hover:text-on-soft",
  delete: "border-transparent text-muted hover:bg-danger hover:text-on-danger",
};

const sizes = {
  usual: "min-h-10 px-4 py-1.5",
  small: "min-h-8.5 px-3 py-1 text-sm",
};

type Props = ComponentProps<"button"> & { look?: keyof typeof looks; size?: keyof typeof sizes };

export function Button({ look = "quiet", size = "usual", ...rest }: Props) {
  return (
    <button
      type="button"
      className={`rounded-control border font-semibold motion-safe:transition-colors ${looks[look]} ${sizes[size]}`}
      {...rest}
    />
  );
}
