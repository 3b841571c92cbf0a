package agent

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"slices"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/llm"
)

// TestPicturesOfTheWish: what a wish says to look at is shown with it, in every stage, and what cannot be shown is said.
func TestPicturesOfTheWish(t *testing.T) {
	var sketch bytes.Buffer
	if err := png.Encode(&sketch, image.NewGray(image.Rect(0, 0, 40, 30))); err != nil {
		t.Fatal(err)
	}
	blobs := map[string][]byte{strings.Repeat("a", 64): sketch.Bytes(), strings.Repeat("b", 64): []byte("%PDF-1.7")}
	b := job(codeforge.Code, `{"message":"As in the sketch.","images":["sketches/home.png","brief.pdf","gone.png","notes.txt"]}`, write("index.html", "<h1>Home</h1>"), finish())
	b.files("notes.txt", "text")
	for p, hash := range map[string]string{"sketches/home.png": strings.Repeat("a", 64), "brief.pdf": strings.Repeat("b", 64)} {
		f := codeforge.File{Path: p, Version: 1, Size: int64(len(blobs[hash]))}
		f.SetBlob(hash)
		b.task.Files = append(b.task.Files, f)
	}
	slices.SortFunc(b.task.Files, func(x, y codeforge.File) int { return strings.Compare(x.Path, y.Path) })
	b.task.ReadBlob = func(_ context.Context, hash string) ([]byte, error) { return blobs[hash], nil }
	b.must(t)
	for i, req := range b.script.requests {
		var pictures int
		var said strings.Builder
		for _, p := range req.Messages[0].Parts[1:] {
			if p.Kind == llm.PartImage {
				pictures++
				if !bytes.Equal(p.Image.Data, sketch.Bytes()) {
					t.Errorf("request %d shows another picture", i)
				}
			}
			said.WriteString(p.Text + "\n")
		}
		if pictures != 1 || !strings.Contains(said.String(), "The picture sketches/home.png:") || strings.Count(said.String(), "cannot be shown") != 3 {
			t.Errorf("request %d shows %d pictures and says %s", i, pictures, said.String())
		}
	}
}
