import { useState } from 'react'
import type { Book } from '../books'

interface Props {
  book: Book
  onRename: (title: string) => void
  onToggle: () => void
  onRemove: () => void
}

export function BookRow({ book, onRename, onToggle, onRemove }: Props) {
  const [draft, setDraft] = useState<string | null>(null)
  return (
    <li data-test="item" className="flex items-center gap-3 border-b border-ink/10 py-3">
      <input type="checkbox" aria-label={`Read ${book.title}`} checked={book.done} onChange={onToggle} />
      {draft === null ? (
        <span className={`grow break-words ${book.done ? 'text-ink/40 line-through' : ''}`}>{book.title}</span>
      ) : (
        <input data-test="draft" aria-label="New title" className="min-w-0 grow border px-2" value={draft} onChange={(e) => setDraft(e.target.value)} />
      )}
      {draft === null ? (
        <button data-test="edit" className="underline" onClick={() => setDraft(book.title)}>
          Edit
        </button>
      ) : (
        <button
          data-test="save"
          className="underline"
          onClick={() => {
            onRename(draft)
            setDraft(null)
          }}
        >
          Save
        </button>
      )}
      <button data-test="remove" className="underline" onClick={onRemove}>
        Remove
      </button>
    </li>
  )
}
