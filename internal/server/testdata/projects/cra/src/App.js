import { Component } from 'react';
import logo from './logo.svg';
import './App.css';
import Chore from './Chore';

export default class App extends Component {
  state = { name: '', chores: JSON.parse(localStorage.getItem('chores') || '[]') };

  change(chores) {
    this.setState({ chores });
    localStorage.setItem('chores', JSON.stringify(chores));
  }

  add = (e) => {
    e.preventDefault();
    const { name, chores } = this.state;
    if (!name) return;
    this.change([...chores, { id: Date.now() + chores.length, name }]);
    this.setState({ name: '' });
  };

  render() {
    const { name, chores } = this.state;
    return (
      <main className="Chores">
        <img src={logo} alt="" width="48" height="48" />
        <h1>Chores ({process.env.NODE_ENV ? chores.length : '?'})</h1>
        <form onSubmit={this.add}>
          <input data-test="new" aria-label="Name" value={name} onChange={(e) => this.setState({ name: e.target.value })} />
          <button data-test="add">Add</button>
        </form>
        <ul>
          {chores.map((c) => (
            <Chore
              key={c.id}
              name={c.name}
              onRename={(now) => this.change(chores.map((x) => (x.id === c.id ? { ...x, name: now } : x)))}
              onRemove={() => this.change(chores.filter((x) => x.id !== c.id))}
            />
          ))}
        </ul>
      </main>
    );
  }
}
