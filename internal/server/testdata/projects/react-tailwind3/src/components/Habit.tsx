import { useState } from 'react'
import styles from './Habit.module.css'

export interface HabitProps {
  name: string
  onRename: (name: string) => void
  onRemove: () => void
}

export function Habit({ name, onRename, onRemove }: HabitProps) {
  const [draft, setDraft] = useState<string>()
  const editing = draft !== undefined
  return (
    <li data-test="item" className={styles.row}>
      {editing ? (
        <input type="text" data-test="draft" aria-label="New name" value={draft} onChange={(e) => setDraft(e.target.value)} />
      ) : (
        <span className={styles.name}>{name}</span>
      )}
      {editing ? (
        <button
          data-test="save"
          onClick={() => {
            onRename(draft)
            setDraft(undefined)
          }}
        >
          Save
        </button>
      ) : (
        <button data-test="edit" onClick={() => setDraft(name)}>
          Edit
        </button>
      )}
      <button data-test="remove" className="text-leaf" onClick={onRemove}>
        Remove
      </button>
    </li>
  )
}
