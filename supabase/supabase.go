// Package supabase is the schema: one folder of migrations, which the program runs itself and the Supabase CLI pushes.
//
// A file that was released never changes: databases and projects know it by its number, and what they ran is what it said
// then. A change is a new file at the end; functions are replaced whole (create or replace), so that the newest text of one
// is the one in force. Each file can be run again on a database that has what it makes, and sets codeforge_schema() to its
// place in the folder.
package supabase

import "embed"

// Migrations are the files, to be run in the order of their names, each as one transaction.
//
//go:embed migrations/*.sql
var Migrations embed.FS
