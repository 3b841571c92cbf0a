# The targets that people use; each says what it does after its ##.
GO ?= go

# SQLite (C translated to Go, with C's library), deflate, and the parts of the bundler that compute are left out of what the race detector
# watches: each does by itself nearly all of the work of the tests that call it, shares no memory of ours, and takes four to ten times as long when
# watched.
# Such a package must instantiate no generic type, since the linker may take its copy for all, sync.Map's included (scripts/lint looks);
# the library's one is of package os, for what reads a folder, which no two goroutines do together.
UNWATCHED = compress/flate modernc.org/sqlite/lib modernc.org/libc modernc.org/memory github.com/evanw/esbuild/internal/js_... github.com/evanw/esbuild/internal/css_... github.com/evanw/esbuild/internal/linker
RACE = -race $(UNWATCHED:%=-gcflags=%=-race=false)
# What tests take longest begins first, so that nothing long is alone at the end.
LONGEST = ./internal/server ./internal/postgres ./internal/offline ./internal/browser ./internal/sqlite ./internal/api ./internal/agent ./internal/verify

.PHONY: help run dev console demo test cover soak crash context npm eval bench micro fuzz lint build release deploy docs

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: ## serve on http://127.0.0.1:8000 with data in ./data
	$(GO) run ./cmd/codeforge serve

dev: ## serve, and build and start again whenever a source or .env changes; FLAGS="--port 9000"
	@GO="$(GO)" ./scripts/dev $(FLAGS)

demo: ## build one idea and serve the result
	$(GO) run ./cmd/codeforge demo "A CRM for dog walkers"

test: ## run all tests with the race detector; installs what they need where it may
	@./scripts/need cc curl git chromium postgres pgbouncer redis-server registry node python3
	@# What saves time and loses nothing: the detector waits a second at the end of each process, vet is lint's, symbols are a debugger's.
	GORACE=atexit_sleep_ms=0 $(GO) test $(RACE) -vet=off -ldflags=-s -timeout 15m $(LONGEST) ./...

COVER ?= ./...
cover: ## how much of the code tests run, as a page in ./bin/cover.html; COVER=./internal/api for one package
	@mkdir -p bin
	$(GO) test -timeout 30m -coverprofile=bin/cover.out $(COVER)
	$(GO) tool cover -html=bin/cover.out -o bin/cover.html
	@$(GO) tool cover -func=bin/cover.out | tail -1

CHAOS ?= 10m
SOAK ?= TestChaos|TestRegions|TestChaosFindsSabotage|TestHostileTrees|TestHostilePages|TestKilledVerifiers|TestManyPieces|TestAsGit|TestChecksTellGoodFromBad|TestSaboteur|TestManyPackages|TestPeopleAndJobsRace|TestProjects|TestMutations|TestManyStreams|TestGitManyClones|TestClonesHoldLittle|TestStore|TestDataAPIStore|TestDataAPIAdoptedRows|TestLedger|TestSchedulesInProcess|TestSchedulesBetweenProcesses|TestStoreBehindCache|TestReadsOfTheEmbeddedStore|TestReadsOverRedis|TestConsole|TestConsoleLong|TestConsoleAccount|TestPatternsWithVectors|TestRenamedProgramsAreTheSame|TestIdeas|TestListOfUserReadsAPage|TestGuideInABrowser|TestClientElsewhere|TestMCPInspector|TestChangesAreMade|TestAppsAreUsed|TestReactAppsAreUsed|TestEveryIdeaBecomesAnAppThatBundlesAndPasses|TestInstructionsChangeOnlyWhatTheyMust|TestDialects|TestPathKeysOfGoAndSQL|TestDataAPIBooks|TestRecordings
soak: ## the long ones whole: an installation that is broken under load for CHAOS, and one whose store loses things, failovers of PostgreSQL under load, hostile trees and pages, killed verifiers, answers in very many pieces, merges beside git's, packages without an end, every task of eval, every way to misbehave, people and jobs that race, stores by every login and key, real projects and copies of them with mistakes, 10,000 streams of one server, the console on every screen and over a connection that breaks, patterns with the extension vector, refactored programs beside a compiler, every idea of the offline model, and one app of each kind, each tool, game, formula and timer with React
	CODEFORGE_SOAK=1 CODEFORGE_CHAOS=$(CHAOS) $(GO) test -count=1 -timeout 40m -v -run '^($(SOAK))$$' \
		./internal/verify ./internal/browser ./internal/server ./internal/git ./internal/llm/compatible ./internal/llm/llmtest ./internal/merge ./internal/eval ./internal/npm ./internal/api ./internal/sqlite ./internal/postgres ./internal/cache ./internal/offline ./internal/guide

ROUNDS ?= 200
crash: ## kill a server 200 times under load, or ROUNDS
	CODEFORGE_CRASH_ROUNDS=$(ROUNDS) $(GO) test -count=1 -timeout 30m -run '^TestCrash$$' -v ./internal/server

context: ## measure which files prompts show, on projects fetched with npm
	CODEFORGE_SOAK=1 $(GO) test -count=1 -run '^TestContext$$' -v ./internal/relevance

npm: ## beside npm on this machine with its registry: trees of 22 projects and of packages at random, verdicts of real projects' own tools, times to a preview
	CODEFORGE_NPM=1 $(GO) test -count=1 -timeout 60m -v -run '(AsNPM|TestProjectsAsTheirTools|TestProjectTimes)$$' ./internal/npm ./internal/server

eval: ## 40 tasks on fixture projects with the offline model, without patterns and with them; docs/contributing.md says how with a real one
	@./scripts/need chromium
	$(GO) run ./cmd/eval --model scaffold --compare-patterns

bench: ## jobs, reads, events and a mixed load of real servers, beside other engines and a prediction; BENCH="--rounds 3 --baseline OLD --json FILE"
	@./scripts/need postgres redis-server
	cd bench && $(GO) run . $(BENCH)

micro: ## micro-benchmarks of the hot paths
	$(GO) test -run '^$$' -bench . -benchmem ./...

fuzz: ## fuzz every target for ten seconds
	@for p in $$($(GO) list ./...); do for f in $$($(GO) test -list '^Fuzz' $$p | grep ^Fuzz); do \
		echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime 10s $$p || exit 1; done; done

lint: ## formatting, vet, staticcheck, tidy modules, known vulnerabilities
	@UNWATCHED='$(UNWATCHED)' ./scripts/lint

build: ## a release binary in ./bin
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o bin/codeforge ./cmd/codeforge

release: ## programs for all systems, SBOM and checksums in ./dist
	@./scripts/release

deploy: ## check the image, compose, systemd and Kubernetes files, alerts and dashboard
	@./scripts/need promtool systemd-analyze
	cd deploy && $(GO) test -count=1 ./...

console: ## bundle the console of its sources; needs Node
	cd console && { [ -d node_modules/preact ] || npm ci --ignore-scripts --no-audit --no-fund; }
	$(GO) run ./console/build

docs: ## rewrite what is generated: the OpenAPI document, the clients, .env.example, the tables of settings and of metrics
	$(GO) test ./internal/api ./internal/server ./internal/telemetry -run 'Spec|README|EnvExample|MetricsPage' -update
	$(GO) test ./sdk -run Generated -update
