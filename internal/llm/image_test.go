package llm_test

import (
	"bytes"
	"image"
	"image/png"
	"testing"

	"codeforge/internal/llm"
)

func TestImages(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1280, 800))); err != nil {
		t.Fatal(err)
	}
	part, err := llm.ImagePart(b.Bytes())
	if err != nil || part.Image.Type != "image/png" || part.Image.Width != 1280 || part.Image.Height != 800 {
		t.Fatalf("%v %+v", err, part.Image)
	}
	for name, data := range map[string][]byte{"text": []byte("<svg/>"), "nothing": nil, "too large": append(b.Bytes(), make([]byte, llm.MaxImage)...)} {
		if _, err := llm.ImagePart(data); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	words := llm.Request{Messages: []llm.Message{llm.UserText("see")}}
	shown := llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Parts: []llm.Part{llm.Text("see"), part}}}}
	if n := llm.Estimate(&shown, "openai:m") - llm.Estimate(&words, "openai:m"); n < 1_105 || n > 5_000 { // OpenAI counts six tiles of 170 and 85
		t.Errorf("a picture is taken for %d tokens", n)
	}
	if llm.Hash(&shown) == llm.Hash(&words) {
		t.Error("a picture is no part of a request's hash")
	}
	other := llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Parts: []llm.Part{llm.Text("see"), {Kind: llm.PartImage, Image: &llm.Image{Type: "image/png", Data: []byte("x")}}}}}}
	if llm.Hash(&shown) == llm.Hash(&other) {
		t.Error("two pictures have one hash")
	}
	if blind := llm.WithoutImages(&shown); llm.HasImages(blind) || !llm.HasImages(&shown) || len(blind.Messages[0].Parts) != 2 || blind.Messages[0].Parts[0].Text != "see" {
		t.Errorf("%+v", blind)
	}
}
