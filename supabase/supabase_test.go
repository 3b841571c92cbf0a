package supabase_test

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"codeforge/supabase"
)

// released are the migrations in order, each with the beginning of its SHA-256. Lines are added at the end, and none is changed:
// what a database ran stays what its file says.
const released = `
84cd2a7ba7b320ce 20261122000001_platform.sql
dbbca7a20488da23 20261122000002_tables.sql
145fc22d32ee5dde 20261122000003_access.sql
1177d754581b8d5f 20261122000004_functions.sql
7075348f179605de 20261122000005_books.sql
46c62e8f8edf5413 20261122000006_tokens.sql
1177d754581b8d5f 20261122000007_data_api.sql
9eab7db025746920 20261122000008_queue.sql
f1d7ad89dcfe3510 20261122000009_river_008.sql
2c59594c91d0754c 20261127000001_functions.sql
842ab7fa6f24979f 20261127000002_bounds.sql
e0aee6ff6bd85e83 20261127000003_rules.sql
0b87fed05c998772 20261127000004_outside.sql
8bf6afb2dd7f74de 20261127000005_path_keys.sql
231462b2f5eac18e 20261127000006_contents.sql
340549c0644f12fa 20261127000007_contents_once.sql
0e42681ab69882bb 20261127000008_job_files.sql
5342e99467294488 20261127000009_stages.sql
42811ef984e1c27c 20261127000010_proposals.sql
3ead1c99c875dbe8 20261127000011_ends.sql
7ff183a282fe53eb 20261127000012_blobs.sql
040b0b8f956ed38d 20261127000013_preview_errors.sql
7b76e949ca098dd0 20261127000014_changes.sql
0243ec538807a4a5 20261127000015_open_jobs.sql
48c170cf23a81100 20261127000016_traceparent.sql
2ed1e0eb11ed1da6 20261127000017_webhooks.sql
34a6b4e8c8f5f684 20261127000018_claims.sql
eed917bd950d7645 20261127000019_store_id.sql
cb45bc5b06320280 20261127000020_announce.sql
b2a02b84c18e1a51 20261127000021_fair_claims.sql
32766393aad9d0fc 20261127000022_sealed_secrets.sql
27334027053104b7 20261127000023_traced_jobs.sql
bb9338eecb05362b 20261127000024_cache_epoch.sql
9036bf7789fba1c5 20261127000025_webhooks_disabled.sql
2de64132fc785dc7 20261127000026_kept_plans.sql
8b8ac3637dcd527e 20261127000027_tokens.sql
dde9a2f93e950afe 20261127000028_git_packs.sql
ec59d554a8bff691 20261127000029_students.sql
1a6d6ff3fca009ec 20261127000030_provider_keys.sql
984645d0a6921e8c 20261127000031_log_of_jobs.sql
743e47783c18ad77 20261127000032_replicas.sql
b69651ce11fc0a4a 20261127000033_delete_projects.sql
e0f6b4e6e9898a60 20261127000034_fences_of_timelines.sql
978ed19022453e30 20261127000035_jobs_of_one_process.sql
b0e81e261b83ca71 20261127000036_thinking.sql
bc0a14785a525386 20261127000037_roadmap_jobs.sql
6ff1026dc4a75f25 20261127000038_delete_profiles.sql
bec81b5f9fb48ae5 20261127000039_patterns.sql
d695f254c041a265 20261127000040_lists_of_a_user.sql
9a923bad491bc6e0 20261127000041_comparisons.sql
105c59b236ecac0a 20261127000042_project_copies.sql
9f30b7d083b460ab 20261127000043_answers_of_calls.sql
`

func TestMigrationsAreAppendOnly(t *testing.T) {
	entries, err := supabase.Migrations.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	var now strings.Builder
	now.WriteString("\n")
	form, number := regexp.MustCompile(`^\d{14}_\w+\.sql$`), regexp.MustCompile(`function public\.codeforge_schema\(\) returns int language sql immutable set search_path = '' as 'select (\d+)'`)
	for i, e := range entries {
		if !form.MatchString(e.Name()) {
			t.Errorf("%s: the Supabase CLI skips what is not called by 14 digits and a name", e.Name())
		}
		text, err := supabase.Migrations.ReadFile("migrations/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&now, "%x %s\n", new(sha256.Sum256(text))[:8], e.Name())
		if m := number.FindSubmatch(text); i >= 9 && (m == nil || string(m[1]) != fmt.Sprint(i+1)) {
			t.Errorf("%s must set codeforge_schema to %d, by which a database is known to have it", e.Name(), i+1)
		}
	}
	if now.String() != released {
		t.Errorf("a released migration was changed, or a new one is not listed. The folder holds:\n%s", now.String())
	}
}
