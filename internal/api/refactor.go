package api

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"codeforge"
)

// RefactorRequest is the code to refactor, and how.
type RefactorRequest struct {
	Selected    string `json:"selected_code" exact:"true" minLength:"1" maxLength:"50000" doc:"A part of the file, byte for byte."`
	Instruction string `json:"instruction" minLength:"3" maxLength:"2000" doc:"What is to become of it."`
	StartLine   int    `json:"start_line,omitempty" minimum:"1" maximum:"1000000" doc:"The line, from 1, in which the selected code begins: needed where it stands in the file more than once."`
}

// RefactorChoices are what a refactoring may say beside the code.
type RefactorChoices struct {
	IfMatchHeader
	IdempotencyHeader
	Apply bool `query:"apply" default:"false" doc:"true: the result is verified and becomes a revision."`
}

type refactorFileInput struct {
	FilePath
	RefactorChoices
	Body RefactorRequest
}

// placedRefactorRequest is one that says where the code stands.
type placedRefactorRequest struct {
	ProjectID string `json:"project_id" minLength:"36" maxLength:"36" format:"uuid"`
	Path      string `json:"path" minLength:"1" maxLength:"500" example:"src/main.ts"`
	RefactorRequest
}

type refactorInput struct {
	RefactorChoices
	Body placedRefactorRequest
}

// refactorResult is what a refactoring came to.
type refactorResult struct {
	FilePath    string          `json:"file_path"`
	Original    string          `json:"original_code" doc:"What was selected."`
	Refactored  string          `json:"refactored_code" doc:"What takes its place."`
	Explanation string          `json:"explanation"`
	Full        string          `json:"full_file_content" doc:"The whole file with it: as the revision has it, or as it would be."`
	StartLine   int             `json:"start_line" doc:"Of the selection, from 1."`
	EndLine     int             `json:"end_line"`
	Base        int64           `json:"base_revision" doc:"The revision of the project that was worked on."`
	Offset      int             `json:"offset" doc:"Of the selection in that revision's file, in bytes."`
	Changed     bool            `json:"changed" doc:"false: the code was left as it is, and the explanation says why."`
	Applied     bool            `json:"applied"`
	Revision    *int64          `json:"revision" doc:"That it was made, if it was."`
	Version     *int64          `json:"version" doc:"Of the file then."`
	Diff        string          `json:"diff" doc:"Unified; empty where it is very long."`
	Verified    bool            `json:"verified" doc:"Nothing is wrong with the project that was not before."`
	Diagnostics []any           `json:"diagnostics" doc:"What the check found, with file, line, column, severity and message; preexisting ones were there before."`
	Evidence    json.RawMessage `json:"evidence,omitempty" doc:"How far the project is known to get with it."`
	Summary     string          `json:"summary"`
	Usage       map[string]any  `json:"usage" doc:"What models took for it."`
}

func (s *server) refactorFile(ctx context.Context, in *refactorFileInput) (*resultOutput[refactorResult], error) {
	return s.refactorPart(ctx, in.ProjectID, in.Path, &in.RefactorChoices, &in.Body)
}

func (s *server) refactor(ctx context.Context, in *refactorInput) (*resultOutput[refactorResult], error) {
	id, err := codeforge.ParseID(in.Body.ProjectID)
	if err != nil {
		return nil, err
	}
	return s.refactorPart(ctx, id, in.Body.Path, &in.RefactorChoices, &in.Body.RefactorRequest)
}

func (s *server) refactorPart(ctx context.Context, projectID, path string, choices *RefactorChoices, body *RefactorRequest) (*resultOutput[refactorResult], error) {
	cond, err := parseIfMatch(choices.IfMatch)
	if err == nil && cond.tag != "" {
		err = codeforge.InvalidField("If-Match", "must be * or the file's version")
	}
	if err != nil {
		return nil, s.ownFirst(ctx, projectID, err)
	}
	if choices.Key == "" { // with one the first job may have changed what is looked at here: then the job alone looks at it
		f, err := s.Store.GetFile(ctx, caller(ctx), projectID, path)
		if err == nil {
			err = checkSelection(&f, cond, body)
		}
		if err != nil {
			return nil, whyMissing(err, path)
		}
	}
	input := map[string]any{"file_path": path, "selected_code": body.Selected, "instruction": body.Instruction, "apply": choices.Apply}
	if body.StartLine > 0 {
		input["start_line"] = body.StartLine
	}
	if cond.number != nil {
		input["if_version"] = *cond.number
	}
	return answerByJob[refactorResult](ctx, s, codeforge.NewJob{ProjectID: projectID, Agent: codeforge.Refactor, Input: plainJSON(input),
		UserMessage: body.Instruction, IdempotencyKey: choices.Key, Apply: codeforge.ApplyAuto})
}

// checkSelection is what the job finds wrong with a request, found before there is one.
func checkSelection(f *codeforge.File, cond condition, body *RefactorRequest) error {
	if cond.number != nil && *cond.number != f.Version {
		return codeforge.Conflictf("The file has changed since: its version is %d", f.Version)
	}
	if err := codeforge.CheckRefactorable(f); err != nil {
		return err
	}
	_, err := codeforge.FindSelection(f.Content, body.Selected, body.StartLine)
	return err
}

// plainJSON is a document whose texts are as short as JSON has them.
func plainJSON(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // of texts and numbers
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// withWholeFile fills the file into the result of a refactoring: as the revision has it that the job made, or the one that it worked on with
// the replacement in it.
func (s *server) withWholeFile(ctx context.Context, u codeforge.User, job *codeforge.Job) (json.RawMessage, error) {
	var made struct {
		FilePath             *string `json:"file_path"`
		Original, Refactored string
		Offset               int
	}
	members(job.Result, func(key, value []byte) {
		switch string(key) {
		case "file_path":
			made.FilePath = new(textOf(value))
		case "original_code":
			made.Original = textOf(value)
		case "refactored_code":
			made.Refactored = textOf(value)
		case "offset":
			_ = json.Unmarshal(value, &made.Offset) // a number
		}
	})
	if made.FilePath == nil || made.Original == "" { // the job failed
		return job.Result, nil
	}
	number := job.Revision
	if number == 0 {
		number = job.Base
	}
	content, err := s.fileAt(ctx, u, job.ProjectID, number, *made.FilePath)
	if err != nil {
		return job.Result, err
	}
	if at := made.Offset; job.Revision == 0 && at >= 0 && at <= len(content) && strings.HasPrefix(content[at:], made.Original) {
		content = content[:at] + made.Refactored + content[at+len(made.Original):]
	}
	return setMember(job.Result, "full_file_content", appendString(make([]byte, 0, len(content)+len(content)/8+16), content)), nil
}

// fileAt is the text of a file as it was in a revision; "" where it was not.
func (s *server) fileAt(ctx context.Context, u codeforge.User, projectID string, number int64, path string) (string, error) {
	_, last := utf8.DecodeLastRuneInString(path)
	for page := (codeforge.Page{After: path[:len(path)-last], Bytes: pageBytes}); ; {
		_, files, err := s.Store.RevisionFiles(ctx, u, projectID, number, page)
		if err != nil {
			return "", err
		}
		for i := range files {
			if files[i].Path == path {
				return files[i].Content, nil
			}
		}
		if !isFullPage(files) || files[len(files)-1].Path > path {
			return "", nil
		}
		page.After = files[len(files)-1].Path
	}
}
