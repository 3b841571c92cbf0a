import { useState } from 'react';
import styles from './Chore.module.css';

export default function Chore({ name, onRename, onRemove }) {
  const [draft, setDraft] = useState(null);
  return (
    <li data-test="item" className={styles.row}>
      {draft === null ? (
        <>
          <span className={styles.name}>{name}</span>
          <button data-test="edit" onClick={() => setDraft(name)}>
            Edit
          </button>
        </>
      ) : (
        <>
          <input data-test="draft" aria-label="New name" value={draft} onChange={(e) => setDraft(e.target.value)} />
          <button
            data-test="save"
            onClick={() => {
              onRename(draft);
              setDraft(null);
            }}
          >
            Save
          </button>
        </>
      )}
      <button data-test="remove" onClick={onRemove}>
        Remove
      </button>
    </li>
  );
}
