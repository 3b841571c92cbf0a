// Package client speaks to the HTTP API as any program would: it knows addresses, JSON and event streams, and nothing else
// of the server.
package client

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// Client makes requests to one server. Token, if any, is sent as a bearer token. HTTP carries them; nil: the default client.
type Client struct {
	Base, Token string
	HTTP        *http.Client
}

// ErrNotModified is what Get returns when what is asked for is as its tag says.
var ErrNotModified = errors.New("not modified")

// Error is an answer of the API's error shape.
type Error struct {
	Request string // method and path
	Message string
	Details json.RawMessage
}

func (e *Error) Error() string { return e.Request + ": " + e.Answer() }

// Answer is what the API said, for whoever did not make the request.
func (e *Error) Answer() string { return strings.TrimSpace(e.Message + " " + string(e.Details)) }

// Do sends a request with a JSON body, if body is not nil, and headers, given as names and values in turn. url is whole.
func (c Client) Do(ctx context.Context, method, url string, body any, header ...string) (*http.Response, error) {
	if body == nil {
		return c.send(ctx, method, url, nil, header...)
	}
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return c.send(ctx, method, url, bytes.NewReader(b), append([]string{"Content-Type", "application/json"}, header...)...)
}

func (c Client) send(ctx context.Context, method, url string, r io.Reader, header ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, r)
	if err != nil {
		return nil, err
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return cmp.Or(c.HTTP, http.DefaultClient).Do(req)
}

// Call sends body and decodes the answer into out; an answer of the API's error shape becomes an [Error].
func (c Client) Call(ctx context.Context, method, path string, body, out any) error {
	resp, err := c.Do(ctx, method, c.Base+path, body)
	if err != nil {
		return err
	}
	return decode(resp, method, path, out)
}

// Get reads into out what is at a path, and returns the tag that it is known by: with If-None-Match in header, ErrNotModified
// says that it is still that.
func (c Client) Get(ctx context.Context, path string, out any, header ...string) (tag string, err error) {
	resp, err := c.Do(ctx, "GET", c.Base+path, nil, header...)
	if err != nil {
		return "", err
	}
	if resp.StatusCode == http.StatusNotModified {
		return "", cmp.Or(resp.Body.Close(), ErrNotModified)
	}
	return resp.Header.Get("ETag"), decode(resp, "GET", path, out)
}

// Upload sends a body of a media type as it comes, and decodes the answer as Call does.
func (c Client) Upload(ctx context.Context, method, path, media string, body io.Reader, out any) error {
	resp, err := c.send(ctx, method, c.Base+path, body, "Content-Type", media)
	if err != nil {
		return err
	}
	return decode(resp, method, path, out)
}

// Download writes an answer to w, and returns the name that the server has for it; "": none.
func (c Client) Download(ctx context.Context, path string, w io.Writer) (name string, err error) {
	resp, err := c.Do(ctx, "GET", c.Base+path, nil)
	if err != nil {
		return "", err
	}
	if resp.StatusCode >= 300 {
		return "", decode(resp, "GET", path, nil)
	}
	defer resp.Body.Close()
	if _, params, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition")); err == nil {
		name = params["filename"]
	}
	_, err = io.Copy(w, resp.Body)
	return name, err
}

// decode reads an answer to its end.
func decode(resp *http.Response, method, path string, out any) error {
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		var e struct {
			Message string
			Details json.RawMessage
		}
		if json.Unmarshal(b, &e) != nil || e.Message == "" {
			return fmt.Errorf("%s %s: %s", method, path, resp.Status)
		}
		return &Error{method + " " + path, e.Message, e.Details}
	}
	return json.Unmarshal(b, out)
}

// Stream reads server-sent events after number *last and gives the named ones to show until it says done.
func (c Client) Stream(ctx context.Context, url string, last *string, show func(kind string, data []byte) (done bool, err error)) (bool, error) {
	resp, err := c.Do(ctx, "GET", url, nil, "Accept", "text/event-stream", "Last-Event-ID", *last)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return false, fmt.Errorf("event stream: %s", resp.Status)
	}
	var kind string
	var data []byte
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			kind = value
		case "id":
			*last = value
		case "data":
			data = append(data, value...)
		case "":
			if lines.Text() == "" {
				if kind != "" && data != nil { // unnamed frames repeat the named ones
					if done, err := show(kind, data); done {
						return true, err
					}
				}
				kind, data = "", nil
			}
		}
	}
	return false, cmp.Or(lines.Err(), io.ErrUnexpectedEOF)
}
