import './style.css'
import { List } from './list.ts'

const list = new List('wishes')
const app = document.querySelector<HTMLDivElement>('#app')!
app.innerHTML = `<main><h1>Wishes</h1><form><input data-test="new" aria-label="Wish"><button data-test="add">Add</button></form><ul></ul></main>`
const form = app.querySelector('form')!
const field = app.querySelector('input')!
const ul = app.querySelector('ul')!

function button(name: string, test: string, onClick: () => void): HTMLButtonElement {
  const b = document.createElement('button')
  b.type = 'button'
  b.textContent = name
  b.dataset.test = test
  b.addEventListener('click', onClick)
  return b
}

function draw(editing?: number): void {
  ul.replaceChildren(
    ...list.items.map((text, i) => {
      const li = document.createElement('li')
      li.dataset.test = 'item'
      if (i === editing) {
        const draft = document.createElement('input')
        draft.dataset.test = 'draft'
        draft.ariaLabel = 'New text'
        draft.value = text
        li.append(draft, button('Save', 'save', () => change(() => list.set(i, draft.value))))
      } else {
        li.append(text, ' ', button('Edit', 'edit', () => draw(i)))
      }
      li.append(button('Remove', 'remove', () => change(() => list.remove(i))))
      return li
    }),
  )
}

function change(how: () => void): void {
  how()
  draw()
}

form.addEventListener('submit', (e) => {
  e.preventDefault()
  if (field.value) change(() => list.add(field.value))
  field.value = ''
})
draw()
