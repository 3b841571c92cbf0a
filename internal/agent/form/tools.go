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
		Path string `json:"path" jsonschema:"relative, with /"`
	}
	ListArgs struct {
		Path  string `json:"path,omitempty" jsonschema:"a folder, or a glob such as src/**/*.ts; the whole project when left out"`
		Depth int    `json:"depth,omitempty" limit:"0..50" jsonschema:"how many levels of folders to open; what lies deeper is counted; 0 opens all"`
	}
	ReadArgs struct {
		Path string `json:"path" jsonschema:"relative, with /"`
		From int    `json:"from,omitempty" limit:"0..1000000" jsonschema:"first line, from 1"`
		To   int    `json:"to,omitempty" limit:"0..1000000" jsonschema:"last line"`
	}
	SearchArgs struct {
		Pattern    string `json:"pattern" limit:"1..500" jsonschema:"plain text, or an RE2 expression when regex is true; one line"`
		Regex      bool   `json:"regex,omitempty"`
		Path       string `json:"path,omitempty" jsonschema:"a file, a folder, or a glob such as src/**/*.{ts,tsx}; the whole project when left out"`
		IgnoreCase bool   `json:"ignore_case,omitempty"`
		Context    int    `json:"context,omitempty" limit:"0..10" jsonschema:"lines to show before and after each hit"`
		Mode       string `json:"mode,omitempty" enum:"lines,files,count" jsonschema:"lines (default), paths alone, or hits per file"`
	}
	WriteArgs struct {
		Path    string `json:"path" jsonschema:"relative, with /"`
		Content string `json:"content" jsonschema:"the whole text of the file, at most 100000 characters"`
	}
	EditArgs struct {
		Path       string `json:"path" jsonschema:"relative, with /"`
		Edits      []Edit `json:"edits" limit:"1..100" jsonschema:"made in order, all of them or none"`
		ReplaceAll bool   `json:"replace_all,omitempty" jsonschema:"replace every place where an old stands, not the only one"`
	}
	Edit struct {
		Old string `json:"old" jsonschema:"text that stands once in the file, without line numbers"`
		New string `json:"new" jsonschema:"what stands there afterwards"`
	}
	MoveArgs struct {
		From string `json:"from" jsonschema:"a file or a folder"`
		To   string `json:"to" jsonschema:"its new path"`
	}
	FinishArgs struct {
		// Limits would refuse finished work for its wording: finish cuts what is too long, and adds to what is too short.
		Summary      string            `json:"summary" jsonschema:"what was built or changed and how to use it, for the user; 10 to 2000 characters"`
		Answer       string            `json:"answer,omitempty" jsonschema:"the answer, when the user asked something; at most 20000 characters"`
		Dependencies []string          `json:"dependencies" jsonschema:"npm packages that the code imports, at most 30; empty when there are none"`
		Explanations map[string]string `json:"explanations,omitempty" jsonschema:"for each file that was changed, one sentence on what it does"`
		Confirm      []Confirmation    `json:"confirm,omitempty" jsonschema:"what a guard objected to and is meant so"`
		Findings     []FindingReply    `json:"findings,omitempty" jsonschema:"for each finding of the review, what became of it"`
		Decisions    []string          `json:"decisions,omitempty" jsonschema:"what was settled and later work must keep to, one sentence each"`
		Features     map[string]string `json:"features,omitempty" jsonschema:"of the requirements, that the user's wish added or changed: name and description"`
		Pages        map[string]string `json:"pages,omitempty" jsonschema:"of the architecture, that the user's wish added or changed: path and description"`
		Gone         []string          `json:"gone,omitempty" jsonschema:"names of features and paths of pages that the wish took away"`
	}
	// Confirmation answers a guard.
	Confirmation struct {
		Path   string `json:"path" jsonschema:"the file, or a folder or glob of files"`
		Reason string `json:"reason" jsonschema:"why the task needs it"`
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
