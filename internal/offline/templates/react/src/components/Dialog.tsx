import { useId, useLayoutEffect, useRef, type ReactNode } from "react";

interface Props {
  readonly title: string;
  readonly narrow?: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** A dialog that is open as long as it is rendered. The browser keeps the focus in it, and gives it back afterwards. */
export function Dialog({ title, narrow = false, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      className={`m-auto max-h-[calc(100vh-2rem)] w-[calc(100vw-2rem)] overflow-y-auto rounded-box border border-line bg-surface p-5 text-ink shadow-2xl backdrop:bg-black/55 sm:p-8 ${narrow ? "max-w-md" : "max-w-2xl"}`}
      onClose={() => {
        if (!dialog.current?.open) onClose();
      }}
    >
      <h2 id={id} className="mb-2 text-xl font-bold wrap-anywhere">
        {title}
      </h2>
      {children}
    </dialog>
  );
}
