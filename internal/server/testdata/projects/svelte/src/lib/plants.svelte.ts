export interface Plant {
  id: number
  name: string
}

export class Plants {
  list = $state<Plant[]>(JSON.parse(localStorage.getItem('plants') ?? '[]'))
  count = $derived(this.list.length)

  add(name: string) {
    this.list.push({ id: Date.now() + this.list.length, name })
    this.keep()
  }

  remove(id: number) {
    this.list = this.list.filter((p) => p.id !== id)
    this.keep()
  }

  keep() {
    localStorage.setItem('plants', JSON.stringify(this.list))
  }
}
