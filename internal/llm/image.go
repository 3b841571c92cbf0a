package llm

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	_ "image/gif" // so that their sizes can be read
	_ "image/jpeg"
	_ "image/png"
	"net/http"
)

// MaxImage is how many bytes an image may have: what the strictest of the providers takes, as base64.
const MaxImage = 3_700_000

// Image is a picture that a model is shown. What a model does that does not see says its [Dialect].
type Image struct {
	Type          string `json:"type"` // image/png, image/jpeg, image/gif or image/webp
	Data          []byte `json:"data"`
	Width, Height int    `json:"-"` // in pixels; 0: not known
}

// ImagePart makes a part of a picture. The error says in words why models cannot be shown it: it is none of the kinds that all of
// them take, or too large.
func ImagePart(data []byte) (Part, error) {
	if len(data) > MaxImage {
		return Part{}, fmt.Errorf("it has %d bytes; models are shown pictures of at most %d", len(data), MaxImage)
	}
	img := Image{Type: http.DetectContentType(data), Data: data}
	switch img.Type {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
	default:
		return Part{}, fmt.Errorf("it is no PNG, JPEG, GIF or WebP picture")
	}
	if c, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil {
		img.Width, img.Height = c.Width, c.Height
	}
	return Part{Kind: PartImage, Image: &img}, nil
}

// Bounds on what a picture takes, in tokens: providers scale large ones down.
const (
	leastImage = 300
	mostImage  = 5_000
)

// tokens is a bound on what a picture takes as input: providers count tiles of 512 or 768 pixels, or areas.
func (i *Image) tokens() int {
	area := cmp.Or(i.Width, 2_000) * cmp.Or(i.Height, 2_000)
	return min(max(leastImage, leastImage+area/600), mostImage)
}

// unseen stands where a model is not shown a picture.
const unseen = "(A picture was attached here, which you cannot be shown.)"

// WithoutImages returns a request that says in words where pictures were: the request itself when it has none.
func WithoutImages(req *Request) *Request {
	if !HasImages(req) {
		return req
	}
	out := *req
	out.Messages = make([]Message, len(req.Messages))
	for i, m := range req.Messages {
		out.Messages[i] = Message{m.Role, make([]Part, len(m.Parts))}
		for j, p := range m.Parts {
			if p.Kind == PartImage {
				p = Text(unseen)
			}
			out.Messages[i].Parts[j] = p
		}
	}
	return &out
}

// HasImages reports whether a request shows pictures.
func HasImages(req *Request) bool {
	for _, m := range req.Messages {
		for _, p := range m.Parts {
			if p.Kind == PartImage {
				return true
			}
		}
	}
	return false
}
