package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
)

// maxPictures is how many pictures a wish may show.
const maxPictures = 6

// wishPictures are what the input says to look at: {"images": ["sketches/home.png"]} names pictures of the project, as a list or one. What
// cannot be shown is said in its place, since the wish speaks of it. The project is as it was when the job began, so that
// a job that runs again sees the same.
func (r *run) wishPictures(ctx context.Context) []llm.Part {
	var paths []string
	if raw := bytes.TrimSpace(r.in["images"]); json.Unmarshal(raw, &paths) != nil {
		if one := r.in.text("images"); one != "" {
			paths = []string{one}
		}
	}
	var parts []llm.Part
	for i, p := range paths {
		name := form.Shorten(codeforge.Plain(p), codeforge.MaxPath)
		if i == maxPictures {
			return append(parts, llm.Text(fmt.Sprintf("Of the pictures that were named the first %d are shown.", maxPictures)))
		}
		picture, err := r.picture(ctx, cleanPath(p))
		if err != nil {
			parts = append(parts, llm.Text(fmt.Sprintf("The picture %s cannot be shown: %s.", name, err)))
			continue
		}
		parts = append(parts, llm.Text("The picture "+name+":"), picture)
	}
	return parts
}

// pictures are what pages looked like in a run.
func (d ranDoc) pictures() (parts []llm.Part) {
	for _, l := range d.Looks {
		if picture, err := llm.ImagePart(l.Image); err == nil {
			parts = append(parts, llm.Text(fmt.Sprintf("The page %s, %d pixels wide:", codeforge.Plain(l.Page), l.Width)), picture)
		}
	}
	return parts
}

// picture is a file of the project as a model is shown it. A store that fails ends the run.
func (r *run) picture(ctx context.Context, path string) (llm.Part, error) {
	at, ok := slices.BinarySearchFunc(r.task.Files, path, func(f codeforge.File, p string) int { return bytes.Compare([]byte(f.Path), []byte(p)) })
	switch {
	case !ok:
		return llm.Part{}, fmt.Errorf("the project has no such file")
	case r.task.Files[at].Hash == "" || r.task.ReadBlob == nil:
		return llm.Part{}, fmt.Errorf("it is a text")
	}
	data, err := r.task.ReadBlob(ctx, r.task.Files[at].Hash)
	if err != nil {
		r.abort(err)
		return llm.Part{}, fmt.Errorf("it cannot be read")
	}
	return llm.ImagePart(data)
}
