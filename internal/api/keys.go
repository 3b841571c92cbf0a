package api

import (
	"context"
	"slices"
	"strings"
	"time"

	"codeforge"
)

// UserKeys is what the routes need of whoever keeps users' own keys for providers of models.
type UserKeys interface {
	// Providers are the names of those that take a key.
	Providers() []string
	// Seal returns a user's key as it is stored.
	Seal(userID, provider, key string) []byte
	// Try asks a provider whether it accepts a key.
	Try(ctx context.Context, provider, key string) KeyState
	// TryKept does so with the key that a user keeps for it; NotFound: none.
	TryKept(ctx context.Context, userID, provider string) (KeyState, error)
}

// KeyState is what trying a key comes to.
type KeyState string

const (
	KeyAccepted KeyState = "accepted"
	KeyRefused  KeyState = "refused"
	KeyUnknown  KeyState = "unknown" // the provider cannot be asked, or cannot tell
	KeyLost     KeyState = "lost"    // what it is sealed with is gone
)

var errNoKeys = &codeforge.Error{Kind: codeforge.Unsupported, Message: "This server keeps no keys of users; its operator can set KEY_ENCRYPTION_KEY"}

// keyTrial is how long a provider is asked about a key.
const keyTrial = 5 * time.Second

// providerKey is a user's key as it is sent.
type providerKey struct {
	Provider  string    `json:"provider" example:"openai"`
	Hint      string    `json:"hint" doc:"How the key ends. No more of it is ever shown." example:"…3fQx"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

type keyPut struct {
	Provider string `json:"provider" minLength:"1" maxLength:"100" doc:"openai, anthropic, google, or the name of an endpoint of this server's models file." example:"openai"`
	Key      string `json:"key" minLength:"8" maxLength:"1000" doc:"As the provider gave it."`
}

type putKeyInput struct{ Body keyPut }

type keyOutput struct{ Body providerKey }

func (s *server) putKey(ctx context.Context, in *putKeyInput) (*keyOutput, error) {
	if s.UserKeys == nil {
		return nil, errNoKeys
	}
	provider, key := in.Body.Provider, in.Body.Key
	if names := s.UserKeys.Providers(); !slices.Contains(names, provider) {
		return nil, codeforge.InvalidField("provider", "must be one of %s", strings.Join(names, ", "))
	}
	if unprintable(key) {
		return nil, codeforge.InvalidField("key", "must be printable ASCII without blanks, as providers give keys")
	}
	trial, cancel := context.WithTimeout(ctx, keyTrial)
	defer cancel()
	if s.UserKeys.Try(trial, provider, key) == KeyRefused {
		return nil, codeforge.InvalidField("key", "is not accepted by the provider")
	}
	u := caller(ctx)
	x, _ := exchangeOf(ctx)
	x.names("provider", provider)
	k, err := s.Store.PutKey(ctx, u, provider, "…"+key[len(key)-4:], s.UserKeys.Seal(u.ID, provider, key))
	if err != nil {
		return nil, err
	}
	return &keyOutput{providerKey(k)}, nil
}

// unprintable reports whether no header could carry a text.
func unprintable(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

type keyList struct {
	Items     []providerKey `json:"items" doc:"By provider."`
	Providers []string      `json:"providers" doc:"Those for which a key can be kept here; none: this server keeps no keys of users."`
}

type keysOutput struct{ Body keyList }

func (s *server) listKeys(ctx context.Context, _ *struct{}) (*keysOutput, error) {
	list, err := s.Store.ListKeys(ctx, caller(ctx))
	if err != nil {
		return nil, err
	}
	out := keyList{make([]providerKey, len(list)), []string{}}
	for i, k := range list {
		out.Items[i] = providerKey(k)
	}
	if s.UserKeys != nil {
		out.Providers = s.UserKeys.Providers()
	}
	return &keysOutput{out}, nil
}

type deleteKeyInput struct {
	Provider string `path:"provider" maxLength:"100" doc:"Name of the provider."`
}

type keyDeleted struct {
	Message  string `json:"message"`
	Provider string `json:"provider"`
}

type deleteKeyOutput struct{ Body keyDeleted }

func (s *server) deleteKey(ctx context.Context, in *deleteKeyInput) (*deleteKeyOutput, error) {
	if err := s.Store.DeleteKey(ctx, caller(ctx), in.Provider); err != nil {
		return nil, err
	}
	return &deleteKeyOutput{keyDeleted{"Key deleted", in.Provider}}, nil
}

type testKeyInput struct {
	Provider string `path:"provider" maxLength:"100" doc:"Name of the provider."`
}

// keyTest is what trying a key came to, as it is sent.
type keyTest struct {
	Provider string   `json:"provider" example:"openai"`
	State    KeyState `json:"state" enum:"accepted,refused,unknown,lost" doc:"unknown: the provider could not be asked, or has nothing that a key could be tried on. lost: this server can no longer open the key."`
	Message  string   `json:"message" doc:"The same in words, with what to do." example:"The provider accepts the key"`
}

type keyTestOutput struct{ Body keyTest }

var keyWords = map[KeyState]string{
	KeyAccepted: "The provider accepts the key",
	KeyRefused:  "The provider does not accept the key: give another one, or delete it",
	KeyUnknown:  "The provider could not be asked, or has nothing to try a key on: try again later, or run a job",
	KeyLost:     "This server can no longer open the key: give it again",
}

// testKey asks the provider anew about a key that is kept.
func (s *server) testKey(ctx context.Context, in *testKeyInput) (*keyTestOutput, error) {
	if s.UserKeys == nil {
		return nil, errNoKeys
	}
	trial, cancel := context.WithTimeout(ctx, keyTrial)
	defer cancel()
	state, err := s.UserKeys.TryKept(trial, caller(ctx).ID, in.Provider)
	if err != nil {
		return nil, err
	}
	return &keyTestOutput{keyTest{in.Provider, state, keyWords[state]}}, nil
}
