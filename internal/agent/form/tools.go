package form

// Names of the coder's tools.
const (
	ToolListFiles  = "list_files"
	ToolReadFile   = "read_file"
	ToolSearch     = "search"
	ToolWriteFile  = "write_file"
	ToolEditFile   = "edit_file"
	ToolDeleteFile = "delete_file"
	ToolCheck      = "check"
	ToolFinish     = "finish"
)

// What the tools take.
type (
	NoArgs   struct{}
	PathArgs struct {
		Path string `json:"path" jsonschema:"relative, with /"`
	}
	SearchArgs struct {
		Pattern string `json:"pattern" limit:"1..500" jsonschema:"plain text that stands in one line"`
	}
	WriteArgs struct {
		Path    string `json:"path" jsonschema:"relative, with /"`
		Content string `json:"content" jsonschema:"the whole text of the file, at most 100000 characters"`
	}
	EditArgs struct {
		Path string `json:"path" jsonschema:"relative, with /"`
		Old  string `json:"old" jsonschema:"text that occurs exactly once in the file, byte for byte"`
		New  string `json:"new" jsonschema:"what stands there afterwards"`
	}
	FinishArgs struct {
		// Limits would refuse finished work for its wording: finish cuts what is too long, and adds to what is too short.
		Summary      string            `json:"summary" jsonschema:"what was built or changed and how to use it, for the user; 10 to 2000 characters"`
		Dependencies []string          `json:"dependencies" jsonschema:"npm packages that the code imports, at most 30; empty when there are none"`
		Explanations map[string]string `json:"explanations,omitempty" jsonschema:"for each file that was changed, one sentence on what it does"`
	}
)

// Diagnostic is a finding of verification as a model sees it; it may have more keys.
type Diagnostic struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Severity string `json:"severity"`
	Message  string `json:"message"`
}

// Verdict is the result of check, and of a finish that cannot be accepted yet. D is a [Diagnostic], or holds one.
type Verdict[D any] struct {
	OK          bool `json:"ok"`
	Diagnostics []D  `json:"diagnostics"`
	More        int  `json:"more,omitempty"`
}
