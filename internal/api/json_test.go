package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"codeforge"
)

// sample is a body with a field of each kind.
type sample struct {
	A           string            `json:"a,omitempty"`
	B           []string          `json:"b,omitempty" nullable:"true"`
	Content     string            `json:"content,omitempty" exact:"true"`
	Selected    *string           `json:"selected_code,omitempty" exact:"true"`
	Transcript  []struct{ T any } `json:"transcript,omitempty" exact:"true"`
	Transcripts any               `json:"transcripts,omitempty" exact:"true"`
	Answers     []answerEntry     `json:"answers,omitempty" exact:"true"`
	Input       inputContext      `json:"input_context,omitzero" exact:"true"`
	Spec        specDocument      `json:"requirements_spec,omitzero"`
	Inner       struct {
		Words string `json:"words"`
		Code  string `json:"code" exact:"true"`
	} `json:"inner,omitzero"`
}

func samplePlan() *bodyPlan {
	return planOf(huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer), reflect.TypeFor[struct{ Body sample }]())
}

func TestTrim(t *testing.T) {
	plan := samplePlan()
	for in, want := range map[string]string{
		`{"a":" b ","c":{"d":["  ","\t x\n"," y"]}}`:                             `{"a":"b","c":{"d":["","x","y"]}}`,
		`{"content":" b ","answers":[{" q ":" a "}],"input_context":{"x":" y"}}`: `{"content":" b ","answers":[{" q ":" a "}],"input_context":{"x":" y"}}`,
		`{ "a" : "\u00a0\"q\"\u3000" , "selected_code":" x " }`:                  `{ "a" : "\"q\"" , "selected_code":" x " }`,
		`{"a":"x","b":1.50,"c":null}`:                                            `{"a":"x","b":1.50,"c":null}`,
		`{"transcript":[{"text":" x "}],"transcripts":" y ","t":" z "}`:          `{"transcript":[{"text":" x "}],"transcripts":" y ","t":"z"}`,
		`{"inner":{"words":" x ","code":" y "},"requirements_spec":{"x":" y "}}`: `{"inner":{"words":"x","code":" y "},"requirements_spec":{"x":"y"}}`,
	} {
		got, errs := scanJSON([]byte(in), plan)
		if errs != nil || string(got) != want {
			t.Errorf("%s: %s %v, want %s", in, got, errs, want)
		}
	}
	in := []byte(`{"a":"nothing to trim","b":["é\n\u00e9x"]}`)
	if out, _ := scanJSON(in, plan); &out[0] != &in[0] {
		t.Error("a body without anything to trim was copied")
	}
}

var bodySeeds = []string{`{}`, `[]`, `null`, ` {"a":[1,-0.5e+3,true,false,null,"x\u00e9\ud83d\ude00\n"]} `, `{"a":" b ","content":" c "}`, `{"a":1,"a":2}`, `"\ud800"`, `"\u0000"`,
	`{"input_context":{"user_message":"hi","a":{"b":{"c":{"d":1}}}}}`, `{"files":[{"path":"a"},{"path":"b","content":null}]}`, "\xff", `{"a":`, `01`, `1.`, `[1,]`, `{,}`, `{"a" 1}`, `tru`, `"a`, "\"\x01\"", `{"k":"  \u2003"}`}

// What the scanner lets through is what encoding/json takes, with the same meaning but for trimmed texts; what it calls
// malformed, encoding/json does too.
func FuzzScanJSON(f *testing.F) {
	for _, s := range bodySeeds {
		f.Add([]byte(s))
	}
	plan := samplePlan()
	f.Fuzz(func(t *testing.T, in []byte) {
		before := bytes.Clone(in)
		out, errs := scanJSON(in, plan)
		if !bytes.Equal(in, before) {
			t.Fatal("the input was changed")
		}
		if len(errs) > maxBodyErrors {
			t.Fatalf("%d findings", len(errs))
		}
		for _, e := range errs {
			if e.Type == "json_invalid" && json.Valid(in) && utf8.Valid(in) {
				t.Fatalf("%q is valid, but %v", in, errs)
			}
			if !utf8.ValidString(e.Field) || !utf8.ValidString(e.Message) {
				t.Fatalf("finding is no text: %q", e)
			}
		}
		if errs != nil {
			return
		}
		var a, b any
		if err := json.Unmarshal(in, &a); err != nil {
			t.Fatalf("%q let through: %v", in, err)
		}
		if err := json.Unmarshal(out, &b); err != nil {
			t.Fatalf("%q became %q: %v", in, out, err)
		}
		if !reflect.DeepEqual(trimAll(a, plan), b) {
			t.Fatalf("%q became %q", in, out)
		}
		if got := tree(out, plan); !reflect.DeepEqual(hollow(b, plan), got) {
			t.Fatalf("%q as a tree: %#v", out, got)
		}
		if again, errs := scanJSON(out, plan); errs != nil || !bytes.Equal(again, out) {
			t.Fatalf("%q is not stable: %q %v", out, again, errs)
		}
		var m map[string]json.RawMessage
		if json.Unmarshal(out, &m) == nil && m != nil {
			got := map[string]json.RawMessage{}
			members(out, func(k, v []byte) { got[string(k)] = v })
			if len(got) != len(m) {
				t.Fatalf("%q has members %q", out, got)
			}
			for k := range m {
				if !bytes.Equal(bytes.TrimSpace(m[k]), got[k]) {
					t.Fatalf("%q: member %q is %q, not %q", out, k, got[k], m[k])
				}
			}
			document, input := bytes.TrimSpace(out), inputContext{}
			if err := input.UnmarshalJSON(document); err != nil || (codeforge.CheckInput(document) == nil) != (input.check() == nil) {
				t.Fatalf("%q: %v, but %v, %v", out, codeforge.CheckInput(document), input.check(), err)
			}
			var body sample
			_ = plan.decode(out, reflect.ValueOf(&body).Elem()) // whether or not it fits
			if filled := fillContents(out, map[string]string{"a": "\"x\"\n"}, true); !json.Valid(filled) {
				t.Fatalf("%q filled: %q", out, filled)
			}
			set := setMember(out, "result", []byte(`[1]`))
			var r map[string]json.RawMessage
			if err := json.Unmarshal(set, &r); err != nil || string(r["result"]) != "[1]" {
				t.Fatalf("%q set: %q %v", out, set, err)
			}
		}
	})
}

func trimAll(v any, plan *bodyPlan) any {
	switch v := v.(type) {
	case string:
		if !plan.exact {
			return strings.TrimSpace(v)
		}
	case []any:
		for i := range v {
			v[i] = trimAll(v[i], plan.elementPlan())
		}
	case map[string]any:
		for k := range v {
			v[k] = trimAll(v[k], plan.member([]byte(k)))
		}
	}
	return v
}

// hollow is v as tree builds it, without what is opaque.
func hollow(v any, plan *bodyPlan) any {
	switch v := v.(type) {
	case []any:
		if plan.opaque {
			return []any(nil)
		}
		for i := range v {
			v[i] = hollow(v[i], plan.elementPlan())
		}
	case map[string]any:
		if plan.opaque {
			return map[string]any{}
		}
		for k := range v {
			m := plan.member([]byte(k))
			if v[k] = hollow(v[k], m); v[k] == nil && !m.nullable {
				v[k] = wrongNull{}
			}
		}
	}
	return v
}

// What fields of bodies may be null, and which texts stay byte for byte.
func TestBodyPlans(t *testing.T) {
	s := newServer(Options{})
	schemas := s.huma.OpenAPI().Components.Schemas
	var exact, nulls []string
	for _, item := range s.huma.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil || op.RequestBody == nil {
				continue
			}
			rules := op.Metadata["body_rules"].(bodyRules)
			if rules.streamed { // it reads its body itself
				continue
			}
			plan := rules.plan
			for name, p := range schemas.SchemaFromRef(op.RequestBody.Content["application/json"].Schema.Ref).Properties {
				m := plan.members[name]
				if m == nil {
					t.Fatalf("%s: %s has no plan", op.OperationID, name)
				}
				if p.Nullable != m.nullable {
					t.Errorf("%s: %s may be null: %v in the schema, %v in the plan", op.OperationID, name, p.Nullable, m.nullable)
				}
				if m.exact {
					exact = append(exact, op.OperationID+"."+name)
				}
				if m.nullable {
					nulls = append(nulls, op.OperationID+"."+name)
				}
			}
		}
	}
	for _, c := range []struct {
		got  []string
		want string
	}{
		{exact, "add_session.transcript apply_proposal.paths apply_proposal.resolve ask_mentor.code clarify.answers clarify.responses create_file.content export_github.github_token import_github.github_token refactor.selected_code refactor_file.selected_code respond.answers respond.responses run_agent.input_context run_pipeline.input_context update_file.content"},
		{nulls, "create_project.tech_stack put_profile.avatar_url put_profile.full_name put_profile.skill_level put_profile.username set_budget.limit_micro_usd set_budget.limit_usd update_profile.avatar_url update_profile.full_name update_profile.skill_level update_profile.username update_project.architecture_spec update_project.requirements_spec update_project.tech_stack"},
	} {
		if slices.Sort(c.got); strings.Join(c.got, " ") != c.want {
			t.Errorf("%v\nwant\n%v", c.got, c.want)
		}
	}
}

// A field is trimmed unless its tag says otherwise, may be null if its tag says so, and what it is called has no say in it.
func TestTagsSteerBodies(t *testing.T) {
	type body struct {
		Content  string   `json:"content" doc:"A name of exact texts elsewhere, without the tag."`
		Poem     string   `json:"poem" exact:"true"`
		Remark   *string  `json:"remark,omitempty"`
		Lines    []string `json:"lines,omitempty" exact:"true"`
		Stack    []string `json:"stack,omitempty" nullable:"true"`
		TechList []string `json:"tech_stack,omitempty"`
	}
	docs["probe"] = doc{tag: "system", public: true}
	defer delete(docs, "probe")
	s := newServer(Options{})
	var got body
	add(s, "POST /probe", "probe", func(_ context.Context, in *struct{ Body body }) (*struct{}, error) {
		got = in.Body
		return nil, nil
	})
	send := func(text string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/probe", strings.NewReader(text)))
		return w
	}
	if w := send(`{"content":" a ","poem":" b\n","remark":"\tc ","lines":[" d"],"stack":null,"tech_stack":[" e"]}`); w.Code != http.StatusNoContent {
		t.Fatal(w.Code, w.Body)
	}
	if want := (body{"a", " b\n", new("c"), []string{" d"}, nil, []string{"e"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if w := send(`{"content":null,"poem":"","tech_stack":null,"other":1}`); w.Code != http.StatusUnprocessableEntity ||
		strings.Count(w.Body.String(), `"field"`) != 3 {
		t.Error(w.Code, w.Body)
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "é\"\\\n\r\t\x00\x1f\x7f", "\xff\xfe", "\u2028", "😀"} {
		f.Add(s)
	}
	plan := samplePlan()
	f.Fuzz(func(t *testing.T, s string) {
		var back string
		got := appendString(nil, s)
		if err := json.Unmarshal(got, &back); err != nil || back != strings.ToValidUTF8(s, "\ufffd") && utf8.ValidString(s) {
			t.Fatalf("%q: %q %v", s, got, err)
		}
		if clean, errs := scanJSON(append(append([]byte(`{"content":`), got...), '}'), plan); errs != nil && !strings.Contains(s, "\x00") {
			t.Fatalf("%q: %q %v", s, clean, errs)
		}
	})
}

func FuzzEventID(f *testing.F) {
	for _, s := range []string{"", "0", "1", "-1", "+1", "00012", "9223372036854775807", "9223372036854775808", "1e3", " 1", "١"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, header, query string) {
		n, err := parseEventID(header, query)
		if n < 0 || err != nil && (n != 0 || !codeforge.IsKind(err, codeforge.Invalid)) {
			t.Fatalf("%q %q: %d %v", header, query, n, err)
		}
		text := header
		if text == "" {
			text = query
		}
		if err == nil && text != "" && strings.TrimLeft(text, "0") != strings.TrimLeft(fmt.Sprint(n), "0") {
			t.Fatalf("%q is %d", text, n)
		}
	})
}

func FuzzIfMatch(f *testing.F) {
	for _, s := range []string{"", "*", "1", `"1"`, `"1-abc"`, "1-abc", `W/"1"`, `"1","2"`, "-1", `"`, `""`, "999999999999999999999", "1-", `"01"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseIfMatch(s)
		if err != nil {
			if !codeforge.IsKind(err, codeforge.Invalid) || c != (condition{}) {
				t.Fatalf("%q: %v %v", s, c, err)
			}
			return
		}
		if c.number != nil && (*c.number < 0 || c.any) || c.tag != "" && c.number == nil {
			t.Fatalf("%q: %+v", s, c)
		}
	})
}

// What is written of an answer is what encoding/json writes of the documented types.
func TestAppendedAnswers(t *testing.T) {
	at := codeforge.Now()
	p := codeforge.Project{ID: "i", UserID: "u", Title: "a \"b\"", Description: "é\n", Mode: "builder", Status: "planning", Requirements: json.RawMessage(`{"a":1}`),
		TechStack: []string{"x", "y"}, Revision: 3, CreatedAt: at, UpdatedAt: at.Add(time.Second)}
	f := codeforge.File{ID: "i", ProjectID: "p", Path: "a/b", Content: "<x>\t", Language: "l", Version: 2, Size: 4, Revision: 9, CreatedAt: at, UpdatedAt: at}
	j := codeforge.Job{ID: "j", ProjectID: "p", UserID: "u", Agent: "qa", Status: "failed", Progress: 33.5, Input: json.RawMessage(`{}`), Result: json.RawMessage(`{"r":1}`),
		Error: "no", Revision: 2, Apply: codeforge.ApplyAuto, CreatedAt: at, UpdatedAt: at, StartedAt: &at}
	bare, full := fileOf(&f, false), fileOf(&f, true)
	for _, c := range []struct {
		got  any
		want any
	}{
		{(*project)(&p), p},
		{&full, f},
		{&bare, file{f.ID, f.ProjectID, f.Path, nil, "", "", f.Language, 2, 4, 9, at, at}},
		{new(jobOf(&j)), JobState{"j", "p", "u", "qa", "failed", 33.5, nil, j.Input, j.Result, &j.Error, nil, &j.Revision, "auto", nil, nil, at, at, &at, nil}},
		{new(jobOf(&codeforge.Job{})), JobState{}},
		{&project{}, project{}},
		{&agentResponse{"j", "queued", "1-2 minutes", "http://x/?a=b&c=d", nil}, map[string]string{"job_id": "j", "status": "queued", "estimated_time": "1-2 minutes", "stream_url": "http://x/?a=b&c=d"}},
		{newFileList("p", 1, filePages{}), struct {
			P string `json:"project_id"`
			C int    `json:"count"`
			R int    `json:"revision"`
			F []file `json:"files"`
		}{"p", 0, 1, []file{}}},
		{&jobList{"p", 1, Paging{1, 2, 3, true}, []JobState{{}}, nil}, jobList{"p", 1, Paging{1, 2, 3, true}, []JobState{{}}, nil}},
		{&Error{Code: "c", Details: map[string]any{"errors": []fieldError{{"f", "<m>", "t"}}}}, Error{Code: "c", Details: map[string]any{"errors": []fieldError{{"f", "<m>", "t"}}}}},
		{budgetList{[]budget{}, []string{}}, budgetList{[]budget{}, []string{}}},
		{&struct {
			F []float64 `json:"f"`
		}{[]float64{0, -1, 0.1, 1e-9, 1e21, 99.999}}, map[string]any{"f": []float64{0, -1, 0.1, 1e-9, 1e21, 99.999}}},
		{&struct{}{}, struct{}{}},
	} {
		var got, want any
		var text bytes.Buffer
		if err := marshal(&text, c.got); err != nil {
			t.Fatal(err)
		}
		wanted, err := json.Marshal(c.want)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text.Bytes(), &got); err != nil {
			t.Fatalf("%s: %v", text.Bytes(), err)
		}
		_ = json.Unmarshal(wanted, &want)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s\nwant\n%s", text.Bytes(), wanted)
		}
	}
}

func TestLimiterIsBounded(t *testing.T) {
	l := newLimiter(1, nil, "")
	now := time.Now()
	for i := range 3 * maxBuckets {
		l.take(t.Context(), fmt.Sprint(i), now)
	}
	if n := len(l.now) + len(l.old); n > 2*maxBuckets {
		t.Errorf("%d buckets", n)
	}
	if v := l.take(t.Context(), fmt.Sprint(3*maxBuckets-1), now); v.ok {
		t.Error("a bucket in use was forgotten")
	}
}
