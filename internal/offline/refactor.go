package offline

import (
	"codeforge/internal/agent/form"
)

const connectModel = "To have such changes made, give the server a key of a model provider (OPENAI_API_KEY, ANTHROPIC_API_KEY or GOOGLE_API_KEY), or the address of a compatible endpoint."

// refactoring leaves a selection as it is and says so: there are no rules by which to change one.
func (c *conversation) refactoring() form.Refactoring {
	return form.Refactoring{Code: c.selected, Explanation: "Nothing was changed. I am the offline model, and I have no rule for this. " + connectModel}
}
