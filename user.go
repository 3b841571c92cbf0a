package codeforge

import "time"

// User is who asks. Every operation on stored things takes one first, so that nobody asks anonymously by mistake.
type User struct {
	ID    string // UUID; never empty for a real caller
	Email string
	Role  string // "authenticated", for a token of Supabase
	// Claims is the verified payload of the caller's token and Token the token itself: row level security needs the
	// one in a direct connection and the other through the Data API. Both are empty for the local user.
	Claims []byte
	Token  string
	// Grant narrows what the caller may do; nil: nothing does.
	Grant *Grant
}

// Grant is what a token of our own lets whoever holds it do for the user.
type Grant struct {
	TokenID   string
	Scopes    []string
	ExpiresAt *time.Time // nil: never
}

// LocalUserID is the one user of a standalone server, where nobody signs in.
const LocalUserID = "00000000-0000-4000-8000-000000000001"

// LocalUser returns the user of a standalone server.
func LocalUser() User { return User{ID: LocalUserID, Role: "authenticated"} }
