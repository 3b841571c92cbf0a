package form

import "encoding/json"

// Names of tools. The first three read.
const (
	ToolListFiles  = "list_files"
	ToolReadFile   = "read_file"
	ToolSearch     = "search"
	ToolWriteFile  = "write_file"
	ToolEditFile   = "edit_file"
	ToolMoveFile   = "move_file"
	ToolDeleteFile = "delete_file"
	ToolCheck      = "check"
	ToolRun        = "run"
	ToolFinish     = "finish"
)

// What search returns.
const (
	SearchLines = "lines"
	SearchFiles = "files"
	SearchCount = "count"
)

// What the tools take.
type (
	NoArgs   struct{}
	PathArgs struct {
		Path string `json:"path"`
	}
	ListArgs struct {
		Path  string `json:"path,omitempty" jsonschema:"a folder, or a glob like src/**/*.ts"`
		Depth int    `json:"depth,omitempty" limit:"0..50" jsonschema:"levels of folders to open, deeper ones are counted; 0: all"`
	}
	ReadArgs struct {
		Path string `json:"path"`
		From int    `json:"from,omitempty" limit:"0..1000000" jsonschema:"first line"`
		To   int    `json:"to,omitempty" limit:"0..1000000" jsonschema:"last line"`
	}
	SearchArgs struct {
		Pattern    string `json:"pattern" limit:"1..500" jsonschema:"one line of plain text; RE2 with regex"`
		Regex      bool   `json:"regex,omitempty"`
		Path       string `json:"path,omitempty" jsonschema:"a file, folder or glob like src/**/*.{ts,tsx}"`
		IgnoreCase bool   `json:"ignore_case,omitempty"`
		Context    int    `json:"context,omitempty" limit:"0..10" jsonschema:"lines around each hit"`
		Mode       string `json:"mode,omitempty" enum:"lines,files,count" jsonschema:"lines is the default; files: paths alone; count: hits per file"`
	}
	WriteArgs struct {
		Path    string `json:"path"`
		Content string `json:"content" jsonschema:"the whole text"`
	}
	EditArgs struct {
		Path       string `json:"path"`
		Edits      []Edit `json:"edits" limit:"1..100" jsonschema:"made in order"`
		ReplaceAll bool   `json:"replace_all,omitempty" jsonschema:"replace each old wherever it stands"`
	}
	Edit struct {
		Old string `json:"old" jsonschema:"stands once in the file; without line numbers"`
		New string `json:"new"`
	}
	MoveArgs struct {
		From string `json:"from" jsonschema:"a file or a folder"`
		To   string `json:"to"`
	}
	FinishArgs struct {
		// Limits would refuse finished work for its wording: finish cuts what is too long, and adds to what is too short.
		Summary      string            `json:"summary" jsonschema:"for the user: what was made and how to use it; at most 2000 characters"`
		Answer       string            `json:"answer,omitempty" jsonschema:"to a question; at most 20000 characters"`
		Dependencies []string          `json:"dependencies" jsonschema:"npm packages that the code imports"`
		Explanations map[string]string `json:"explanations,omitempty" jsonschema:"by changed file, a sentence on what it does"`
		Confirm      []Confirmation    `json:"confirm,omitempty" jsonschema:"what a guard objected to and the task wants"`
		Findings     []FindingReply    `json:"findings,omitempty" jsonschema:"an answer to each finding"`
		Decisions    []string          `json:"decisions,omitempty" jsonschema:"what later work must keep to, a sentence each"`
		Features     map[string]string `json:"features,omitempty" jsonschema:"that the wish added or changed, by name: description"`
		Pages        map[string]string `json:"pages,omitempty" jsonschema:"likewise, by path"`
		Gone         []string          `json:"gone,omitempty" jsonschema:"features and pages that the wish took away"`
	}
	// Confirmation answers a guard.
	Confirmation struct {
		Path   string `json:"path" jsonschema:"a file, folder or glob"`
		Reason string `json:"reason"`
	}
)

// Reshape reads the form of one edit whose texts stand beside the path.
func (EditArgs) Reshape(given map[string]json.RawMessage) {
	if given["edits"] != nil {
		return
	}
	edit := map[string]json.RawMessage{}
	for _, name := range []string{"old", "new"} {
		if key := aliased(given, name); key != "" {
			edit[name] = given[key]
			delete(given, key)
		}
	}
	if len(edit) > 0 {
		given["edits"] = Marshal([]any{edit})
	}
}

// Diagnostic is a finding of verification as a model sees it; it may have more keys.
type Diagnostic struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Severity string `json:"severity"`
	Message  string `json:"message"`
	Guard    string `json:"guard,omitempty"` // that objects
}

// Verdict is the result of check, and of a finish that cannot be accepted yet. D is a [Diagnostic], or holds one.
type Verdict[D any] struct {
	OK          bool   `json:"ok"`
	Diagnostics []D    `json:"diagnostics"`
	More        int    `json:"more,omitempty"`
	Note        string `json:"note,omitempty"`
}
