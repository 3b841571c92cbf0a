export class List {
  readonly items: string[]
  private readonly key: string

  constructor(key: string) {
    this.key = key
    this.items = JSON.parse(localStorage.getItem(key) ?? '[]') as string[]
  }

  add(text: string): void {
    this.items.push(text)
    this.keep()
  }

  set(i: number, text: string): void {
    this.items[i] = text
    this.keep()
  }

  remove(i: number): void {
    this.items.splice(i, 1)
    this.keep()
  }

  private keep(): void {
    localStorage.setItem(this.key, JSON.stringify(this.items))
  }
}
