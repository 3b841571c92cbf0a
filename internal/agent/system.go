package agent

import "embed"

//go:embed prompts/*.md
var prompts embed.FS

// system is the system text of one kind of call: its own prompt, and what holds for all of them.
func system(name string) string { return read(name) + "\n" + read("material") }

// read returns an embedded prompt; that each exists is known when the program is built and tested.
func read(name string) string {
	b, err := prompts.ReadFile("prompts/" + name + ".md")
	if err != nil {
		panic(err)
	}
	return string(b)
}
