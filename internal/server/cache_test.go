package server

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"codeforge/internal/cache"
)

// What goes past the cache, since it changes nothing that is kept of a store (see cache.Store for what is). A method that is new
// stands in one of these lists, or before the store in the cache.
var (
	readsPastCache = []string{"JobOwner", "Events", "WorkingFiles", "ListJobs", "ListMessages", "ListRevisions", "RevisionFiles", "RevisionDeltas", "ReadBlob", "ReadLock",
		"ListScreenshots", "ReadScreenshot", "ReadProposal", "PreviewErrors", "Ping", "DueJobs", "SnapshotFiles", "ProjectForJob", "Get", "ListTokens", "ProjectChanges", "UserChanges", "QueuePlaces", "CountJobs", "CountQueued"}
	writesPastCache = []string{
		"SubmitJob", "ClaimJobs", "RenewLeases", "RecordEvents", "FinishJob", "ReleaseAll", // of jobs that are queued or running, which are not kept
		"PutBlob", "SweepWorking", "AddMessages", "AddPreviewErrors", "SetQuota", // of what is never kept
		"MarkChecked",         // of a revision, which is not kept
		"Put", "SweepJournal", // of the journal
		"CreateToken", "UseToken", "RevokeToken", // of tokens, which have a cache of their own
	}
)

func TestEveryMethodIsKnownToTheCache(t *testing.T) {
	kept := reflect.TypeFor[cache.Inner]()
	before := reflect.TypeFor[*cache.Store]()
	for m := range reflect.TypeFor[Storage]().Methods() {
		_, cached := kept.MethodByName(m.Name)
		_, shown := before.MethodByName(m.Name)
		if strings.Contains(m.Name, "Webhook") { // none of what they do is kept
			continue
		}
		past := slices.Contains(readsPastCache, m.Name) || slices.Contains(writesPastCache, m.Name)
		if shown == past || shown && !cached {
			t.Errorf("%s: say in internal/cache what it reads or touches, or here that it is nothing that is kept", m.Name)
		}
	}
}
