import { closestCenter, DndContext, type DragEndEvent } from '@dnd-kit/core'
import { SortableContext, useSortable, verticalListSortingStrategy } from '@dnd-kit/sortable'
import { CSS } from '@dnd-kit/utilities'
import * as Dialog from '@radix-ui/react-dialog'
import clsx from 'clsx'
import { format, parseISO } from 'date-fns'
import { GripVertical, Pencil, Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { type Expense, useExpenses } from '../store'

function Row({ expense }: { expense: Expense }) {
  const { rename, remove } = useExpenses()
  const [draft, setDraft] = useState(expense.what)
  const [open, setOpen] = useState(false)
  const { attributes, listeners, setNodeRef, transform, transition } = useSortable({ id: expense.id })
  return (
    <li data-test="item" ref={setNodeRef} style={{ transform: CSS.Transform.toString(transform), transition }}>
      <button aria-label={`Move ${expense.what}`} {...attributes} {...listeners}>
        <GripVertical size={16} />
      </button>
      <span className={clsx(expense.cents > 1_000 && 'large')}>
        {expense.what}, {(expense.cents / 100).toFixed(2)}, {format(parseISO(expense.on), 'd MMM yyyy')}
      </span>
      <Dialog.Root open={open} onOpenChange={setOpen}>
        <Dialog.Trigger asChild>
          <button data-test="edit" aria-label="Edit">
            <Pencil size={16} />
          </button>
        </Dialog.Trigger>
        <Dialog.Portal>
          <Dialog.Overlay className="overlay" />
          <Dialog.Content className="dialog" aria-describedby={undefined}>
            <Dialog.Title>Edit</Dialog.Title>
            <input data-test="draft" aria-label="What" value={draft} onChange={(e) => setDraft(e.target.value)} />
            <button
              data-test="save"
              onClick={() => {
                rename(expense.id, draft)
                setOpen(false)
              }}
            >
              Save
            </button>
          </Dialog.Content>
        </Dialog.Portal>
      </Dialog.Root>
      <button data-test="remove" aria-label="Remove" onClick={() => remove(expense.id)}>
        <Trash2 size={16} />
      </button>
    </li>
  )
}

export default function List() {
  const { expenses, add, move } = useExpenses()
  const [what, setWhat] = useState('')
  const onDragEnd = ({ active, over }: DragEndEvent) => {
    if (!over || active.id === over.id) return
    move(
      expenses.findIndex((e) => e.id === active.id),
      expenses.findIndex((e) => e.id === over.id),
    )
  }
  return (
    <main>
      <h1>Spending</h1>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          if (what) add(what)
          setWhat('')
        }}
      >
        <input data-test="new" aria-label="What" value={what} onChange={(e) => setWhat(e.target.value)} />
        <button data-test="add" aria-label="Add">
          <Plus size={16} /> Add
        </button>
      </form>
      <DndContext collisionDetection={closestCenter} onDragEnd={onDragEnd}>
        <SortableContext items={expenses} strategy={verticalListSortingStrategy}>
          <ul>
            {expenses.map((e) => (
              <Row key={e.id} expense={e} />
            ))}
          </ul>
        </SortableContext>
      </DndContext>
    </main>
  )
}
