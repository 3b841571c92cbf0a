package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"codeforge"
)

// profile is a profile as it is sent.
type profile struct {
	ID         string                `json:"id" format:"uuid" doc:"Of the user."`
	Username   *string               `json:"username"`
	FullName   *string               `json:"full_name"`
	AvatarURL  *string               `json:"avatar_url"`
	SkillLevel *codeforge.SkillLevel `json:"skill_level" enum:"beginner,intermediate,advanced"`
	CreatedAt  time.Time             `json:"created_at"`
	UpdatedAt  time.Time             `json:"updated_at"`
}

type profileOutput struct{ Body profile }

func profileOrError(p codeforge.Profile, err error) (*profileOutput, error) {
	if err != nil {
		return nil, err
	}
	return &profileOutput{profile(p)}, nil
}

func (s *server) getProfile(ctx context.Context, _ *struct{}) (*profileOutput, error) {
	return profileOrError(s.Store.GetProfile(ctx, caller(ctx)))
}

type profilePatch struct {
	Username   *string `json:"username,omitempty" nullable:"true" minLength:"2" maxLength:"50" doc:"No two users have the same. null: as it is."`
	FullName   *string `json:"full_name,omitempty" nullable:"true" minLength:"1" maxLength:"200" doc:"null: as it is."`
	AvatarURL  *string `json:"avatar_url,omitempty" nullable:"true" maxLength:"500" doc:"Empty: none. null: as it is."`
	SkillLevel *string `json:"skill_level,omitempty" nullable:"true" enum:"beginner,intermediate,advanced" doc:"null: as it is."`
}

func (p *profilePatch) patch() codeforge.ProfilePatch {
	return codeforge.ProfilePatch{Username: p.Username, FullName: p.FullName, AvatarURL: p.AvatarURL, SkillLevel: (*codeforge.SkillLevel)(p.SkillLevel)}
}

type profileInput struct{ Body profilePatch }

// putProfile takes an empty patch too: what there is, or begins, is the answer.
func (s *server) putProfile(ctx context.Context, in *profileInput) (*profileOutput, error) {
	return profileOrError(s.Store.PutProfile(ctx, caller(ctx), in.Body.patch()))
}

func (s *server) updateProfile(ctx context.Context, in *profileInput) (*profileOutput, error) {
	patch := in.Body.patch()
	if patch.Empty() {
		return nil, codeforge.InvalidField("body", "must hold at least one field to change")
	}
	return profileOrError(s.Store.PutProfile(ctx, caller(ctx), patch))
}

type waitlistEntry struct {
	Email string `json:"email" minLength:"3" maxLength:"254" doc:"Kept in lower case." example:"ada@example.com"`
}

type waitlistInput struct{ Body waitlistEntry }

func (in *waitlistInput) Resolve(huma.Context) []error {
	email, err := codeforge.ParseEmail(in.Body.Email)
	if err != nil {
		return []error{fieldError{"email", "Must be an address like name@example.com", "value_error"}}
	}
	in.Body.Email = email
	return nil
}

type waitlistJoined struct {
	Message string `json:"message" example:"Joined waitlist successfully"`
}

type waitlistOutput struct{ Body waitlistJoined }

// waitlistLimit is how many joins a minute one address may ask for. Of all together the store takes so many an hour.
const waitlistLimit = 10

// joinWaitlist says and does the same for whoever is on the list already: nobody learns who is.
func (s *server) joinWaitlist(ctx context.Context, in *waitlistInput) (*waitlistOutput, error) {
	x, _ := exchangeOf(ctx)
	if v := s.joins.take(ctx, addressKey(clientAddress(x.r, s.TrustedProxies)), x.start); !v.ok {
		return nil, &codeforge.Error{Kind: codeforge.RateLimited, Message: "Too many requests", RetryAfter: v.retry}
	}
	if err := s.Store.JoinWaitlist(ctx, in.Body.Email); err != nil {
		return nil, err
	}
	return &waitlistOutput{waitlistJoined{"Joined waitlist successfully"}}, nil
}
