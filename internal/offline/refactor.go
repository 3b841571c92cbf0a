package offline

import (
	"codeforge/internal/agent/form"
)

const connectModel = "To have such changes made, give the server a key of a model provider (OPENAI_API_KEY, ANTHROPIC_API_KEY or GOOGLE_API_KEY), or the address of a compatible endpoint."

// refactoring changes a selection by rule where a rule is known for what is asked, and else leaves it as it is and says so.
func (c *conversation) refactoring() form.Refactoring {
	return form.Refactoring{Code: c.selected, Explanation: "Nothing was changed. I am the offline model, and I have no rule for this. " + connectModel}
}
