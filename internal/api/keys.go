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
	// Refused reports whether a provider does not accept a key. One that cannot be asked, or that cannot tell, does not refuse.
	Refused(ctx context.Context, provider, key string) bool
}

var errNoKeys = &codeforge.Error{Kind: codeforge.Unavailable, Message: "This server keeps no keys of users; its operator can set KEY_ENCRYPTION_KEY"}

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
	if s.UserKeys.Refused(trial, provider, key) {
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
