package api

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"codeforge"
)

// screenshot is what a page looked like, as it is listed.
type screenshot struct {
	Page  string `json:"page" example:"/"`
	Width int    `json:"width" doc:"Of the window, in pixels." example:"360"`
	Type  string `json:"type" example:"image/png"`
}

type screenshotList struct {
	Items []screenshot `json:"items" doc:"By page and width."`
}

type screenshotsOutput struct{ Body screenshotList }

func (s *server) listScreenshots(ctx context.Context, in *RevisionPath) (*screenshotsOutput, error) {
	shots, err := s.Store.ListScreenshots(ctx, caller(ctx), in.ProjectID, in.Number)
	if err != nil {
		return nil, err
	}
	out := &screenshotsOutput{screenshotList{make([]screenshot, 0, len(shots))}}
	for _, shot := range shots {
		out.Body.Items = append(out.Body.Items, screenshot{shot.Page, shot.Width, shot.Type})
	}
	return out, nil
}

type screenshotInput struct {
	RevisionPath
	Page        string `query:"page" default:"/" maxLength:"2000" doc:"Address of the page in the preview."`
	Width       int    `query:"width" default:"1280" minimum:"1" maximum:"10000" doc:"Of the window, in pixels: 1280 or 360."`
	IfNoneMatch string `header:"If-None-Match" doc:"An ETag: 304 if the picture did not change."`
}

type pictureOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte `contentType:"image/png"`
}

func (s *server) getScreenshot(ctx context.Context, in *screenshotInput) (*pictureOutput, error) {
	x, _ := exchangeOf(ctx)
	if err := x.acquireBytes(diffLoad); err != nil {
		return nil, err
	}
	shot, data, err := s.Store.ReadScreenshot(ctx, x.user, in.ProjectID, in.Number, in.Page, in.Width)
	if err != nil {
		return nil, err
	}
	x.releaseAbove(int64(len(data)))
	h := x.Header()
	h["Content-Type"], h["Content-Security-Policy"] = []string{pictureType(shot)}, filePolicy
	h["Cache-Control"], h["Etag"] = []string{"private, no-cache"}, []string{`"` + shot.Hash[:24] + `"`}
	http.ServeContent(pieces{x, time.Now().Add(answerTimeout)}, x.r, "", time.Time{}, bytes.NewReader(data))
	return nil, nil
}

// pictureType is the type of a screenshot, of those that are pictures and nothing else.
func pictureType(shot codeforge.Screenshot) string {
	switch shot.Type {
	case "image/png", "image/webp", "image/jpeg":
		return shot.Type
	}
	return "application/octet-stream"
}
